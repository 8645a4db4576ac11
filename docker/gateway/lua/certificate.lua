-- Says from when to when the certificate is valid that clients are shown: for Prometheus, on the metrics port. Nobody
-- else would notice that it was not renewed, or that a renewed one is refused and the old one served on.

local ADMIN = "/run/slm/admin.sock"
local MONTHS = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6,
                 Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12 }

-- What the process behind the admin socket has loaded, after a reload the new one: not what lies in the folder.
local function told()
  local admin = core.tcp()
  admin:settimeout(2)
  if not admin:connect(ADMIN) then return "" end
  admin:send("show ssl cert " .. os.getenv("SLM_CERTIFICATE") .. "/tls.crt\n")
  local answer = admin:receive("*a")
  admin:close()
  return answer or ""
end

-- Of "notAfter: Nov  3 09:00:00 2027 GMT" the Unix time. The clock of the image is UTC's.
local function seconds(answer, field)
  local month, day, hour, min, sec, year = answer:match(field .. ": (%a+) +(%d+) (%d+):(%d+):(%d+) (%d+) GMT")
  return month and os.time({ year = year, month = MONTHS[month], day = day, hour = hour, min = min, sec = sec })
end

local function gauge(name, meaning, value)
  return string.format("# HELP %s %s\n# TYPE %s gauge\n%s %d\n", name, meaning, name, name, value)
end

core.register_service("certificate", "http", function(applet)
  local answer = told()
  local begin, stop = seconds(answer, "notBefore"), seconds(answer, "notAfter")
  local known = begin and stop
  local text = known
    and gauge("slm_gateway_certificate_not_before_timestamp_seconds", "First second in which it is valid.", begin)
      .. gauge("slm_gateway_certificate_not_after_timestamp_seconds", "Last second in which it is valid.", stop)
    or "HAProxy does not say when its certificate ends.\n"
  applet:set_status(known and 200 or 503)
  applet:add_header("Content-Type", "text/plain; version=0.0.4")
  applet:add_header("Content-Length", tostring(#text))
  applet:start_response()
  applet:send(text)
end)

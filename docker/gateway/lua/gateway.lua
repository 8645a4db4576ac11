-- What the gateway's configuration asks of Lua: what a body says, waiting for a model that starts, another
-- name for the model in a body; meter.lua counts the tokens of an answer, certificate.lua says when the own certificate
-- ends. Loaded once a thread (lua-load-per-thread).

local scanner = require("scanner")
require("meter")
require("certificate")

local POLL_MS = 100 -- how often a held request looks for a server that came up
local LARGE = 64 * 1024 -- bytes of a body that is scanned in turn
local TURN_MS = 25 -- how often a large body looks whether it is its turn
local STUCK_MS = 10000 -- a turn that was never given back is over
local SETTLE_MS = 3000 -- age of the process from which on a model without a server is down, not yet unknown
local UNUSED_BLOCKS = 64 -- blocks of a message that may have been given up, before those that are counted

local function milliseconds()
  local now = core.now()
  return now.sec * 1000 + now.usec // 1000
end

local born = milliseconds()

-- HAProxy runs scans by turns. Of large bodies each thread scans one at a time: a body is copied into Lua's
-- memory (tune.lua.maxmem), which is too small for all of them at once.
local holder, since = nil, 0

local function take_turn(txn)
  while holder and milliseconds() - since < STUCK_MS do core.msleep(TURN_MS) end
  holder, since = txn, milliseconds()
end

local function scan(txn)
  local large = txn.f:req_body_size() > LARGE
  if large then take_turn(txn) end
  local done, found, problem = pcall(function() return scanner.scan(txn.f:req_body() or "") end)
  if large and holder == txn then holder = nil end
  return done, found, problem
end

-- A scan that fails (memory, time) sets no variable; the configuration then refuses the request.
core.register_action("scan_body", { "http-req" }, function(txn)
  txn:set_var("txn.received_ms", milliseconds())
  local done, found, problem = scan(txn)
  if not done then return end
  if not found then
    txn:set_var("txn.body_error", problem)
    return
  end
  txn:set_var("txn.model", found.model)
  txn:set_var("txn.model_at", found.at)
  txn:set_var("txn.model_size", found.size)
  txn:set_var("txn.stream", found.stream)
  txn:set_var("txn.usage", found.usage or false)
  if found.steering then txn:set_var("txn.steering", found.steering) end
  if found.prefix then txn:set_var("txn.prefix", found.prefix) end
end, 0)

-- Sets txn.ends where nothing but its end comes behind the last chunk of a body that is here as a whole. HAProxy
-- keeps a message as blocks: start line, headers, data, trailers, end of trailers.
-- It returns nothing: with a value returned here, the filter that renames did not act (HAProxy 3.0.11).
core.register_action("look_behind", { "http-req" }, function(txn)
  local last = txn.f:internal_htx_nbblks() + UNUSED_BLOCKS
  for position = 0, last do
    local kind = txn.f:internal_htx_blk_type(tostring(position))
    if kind == "HTX_BLK_TLR" then return end
    if kind == "HTX_BLK_EOT" then
      txn:set_var("txn.ends", true)
      return
    end
  end
end, 0)

local function hold(txn, backend, until_ms)
  local start = milliseconds()
  while core.backends[backend]:get_srv_act() == 0 and milliseconds() < until_ms do
    core.msleep(POLL_MS)
  end
  txn:set_var("txn.hold_ms", (txn:get_var("txn.hold_ms") or 0) + milliseconds() - start)
end

-- Holds a request while its backend has no server, up to the given number of milliseconds.
core.register_action("wake_hold", { "http-req" }, function(txn, bound)
  hold(txn, txn:get_var("txn.backend"), milliseconds() + tonumber(bound))
end, 1)

-- Holds a request while the backend has no server only because this process is too young to know one: a reload
-- must not send prompts to the fallback.
core.register_action("settle", { "http-req" }, function(txn, backend)
  hold(txn, backend, born + SETTLE_MS)
end, 1)

-- Replaces the model's name in a body, and no other byte. The whole body is there (wait-for-body), and its scanner
-- said where the name lies. Given as argument: the name, of characters that JSON needs no escape for.
local Rename = {}
Rename.__index = Rename
Rename.id = "slm rename model"
Rename.flags = filter.FLT_CFG_FL_HTX

function Rename:new()
  return setmetatable({ name = self.name }, Rename)
end

function Rename:start_analyze(txn, channel)
  if not channel:is_resp() then filter.register_data_filter(self, channel) end
end

function Rename:http_headers(txn, message)
  if message:is_resp() then return end
  self.at, self.size = txn:get_var("txn.model_at"), txn:get_var("txn.model_size")
  local length = message:get_headers()["content-length"]
  if length then
    message:set_header("Content-Length", tostring(math.tointeger(length[0]) + #self.name - self.size))
  end
end

function Rename:http_payload(txn, message)
  if message:is_resp() or self.done then return end
  if message:input() < self.at + self.size then return filter.ERROR end
  self.done = true
  if message:set(self.name, self.at, self.size) ~= #self.name then return filter.ERROR end
end

-- HAProxy hands over a copy of the class for each place that declares the filter.
core.register_filter("rename", Rename, function(class, args)
  class.name = '"' .. args[1] .. '"'
  return class
end)

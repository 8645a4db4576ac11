-- The three things the gateway's configuration asks of Lua: what a body says, waiting for a model that
-- starts, and the token counts of an answer. Loaded once a thread (lua-load-per-thread).

local scanner = require("scanner")

local POLL_MS = 100 -- how often a held request looks for a server that came up
local LARGE = 64 * 1024 -- bytes of a body that is scanned in turn
local TURN_MS = 25 -- how often a large body looks whether it is its turn
local STUCK_MS = 10000 -- a turn that was never given back is over
local TAIL = 4096 -- bytes kept to find a usage object that is split over two reads

local function milliseconds()
  local now = core.now()
  return now.sec * 1000 + now.usec // 1000
end

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
  local done, found, problem = scan(txn)
  if not done then return end
  if not found then
    txn:set_var("txn.body_error", problem)
    return
  end
  txn:set_var("txn.model", found.model)
  txn:set_var("txn.stream", found.stream)
  if found.prefix then txn:set_var("txn.prefix", found.prefix) end
end, 0)

-- Holds a request while its backend has no server, up to the given number of milliseconds.
core.register_action("wake_hold", { "http-req" }, function(txn, bound)
  local backend = core.backends[txn:get_var("txn.backend")]
  local start = milliseconds()
  while backend:get_srv_act() == 0 and milliseconds() - start < tonumber(bound) do
    core.msleep(POLL_MS)
  end
  txn:set_var("txn.hold_ms", milliseconds() - start)
end, 1)

-- Sees an engine's answer pass, keeps its last bytes, and notes when its first one came.
local Meter = {}
Meter.__index = Meter
Meter.id = "slm usage meter"
Meter.flags = filter.FLT_CFG_FL_HTX

function Meter:new()
  return setmetatable({ start = milliseconds(), tail = "" }, Meter)
end

function Meter:start_analyze(txn, channel)
  if channel:is_resp() then filter.register_data_filter(self, channel) end
end

function Meter:http_payload(txn, message)
  if not message:is_resp() then return end
  local size = message:input()
  if size == 0 then return end
  if self.tail == "" then txn:set_var("txn.first_byte_ms", milliseconds() - self.start) end
  local fresh = message:body(size > TAIL and -TAIL or 0) or ""
  self.tail = (self.tail .. fresh):sub(-TAIL)
end

-- A quote inside a JSON string is always escaped, so `"usage":` is found only where it is a key.
function Meter:http_end(txn, message)
  if not message:is_resp() then return end
  local usage = self.tail:match('.*"usage"%s*:%s*(%b{})')
  if not usage then return end
  for name, variable in pairs({ prompt_tokens = "txn.prompt_tokens", completion_tokens = "txn.completion_tokens" }) do
    local count = usage:match('"' .. name .. '"%s*:%s*(%d+)')
    if count and #count < 10 then txn:set_var(variable, tonumber(count)) end
  end
end

core.register_filter("meter", Meter, function(class) return class end)

-- The filter that sees answers pass: it notes their tokens and times for the access log, and keeps back an event of
-- usage that the client did not ask for.

local PIECE = 64 * 1024 -- bytes of one read that are looked at in turn: Lua's memory is bounded
local EVENT = "\ndata: {" -- where an event of a stream begins
-- Begins with a line end, which JSON escapes: a text full of what looks like events is not searched again and again.
local USAGE_EVENT = '\ndata: {[^\n]*"choices":%s*%[%],[^\n]*"usage":%s*{[^\n]*}\n\n'
local TAIL = 4096 -- bytes kept to find a usage object that is split over two pieces

local function milliseconds()
  local now = core.now()
  return now.sec * 1000 + now.usec // 1000
end

-- A quote inside a JSON string is always escaped, so `"usage":` is found only where it is a key. The last one counts:
-- an engine may send much behind it (logarithms of all tokens).
local function note_usage(txn, text)
  if not text:find('_tokens"', 1, true) then return end
  local usage = text:match('^.*"usage"%s*:%s*(%b{})')
  if not usage then return end
  for name, variable in pairs({ prompt_tokens = "txn.prompt_tokens", completion_tokens = "txn.completion_tokens" }) do
    local count = usage:match('"' .. name .. '"%s*:%s*(%d+)')
    if count and #count < 10 then txn:set_var(variable, tonumber(count)) end
  end
end

-- Sees an engine's answer pass, notes its usage, counts the events of a stream, and notes when the first byte came,
-- from when the request was here as a whole. Events stand for the tokens of a stream that ended before it told its usage.
local Meter = {}
Meter.__index = Meter
Meter.id = "slm usage meter"
Meter.flags = filter.FLT_CFG_FL_HTX

function Meter:new()
  return setmetatable({ tail = "", carry = "\n", events = 0 }, Meter)
end

function Meter:start_analyze(txn, channel)
  if channel:is_resp() then filter.register_data_filter(self, channel) end
end

-- A line end inside JSON is escaped, so EVENT is found only where an event begins; a bit of the text before is
-- kept, too short to hold one.
function Meter:count(txn, fresh)
  local text = self.carry .. fresh
  local _, found = text:gsub(EVENT, "")
  self.carry, self.events = text:sub(1 - #EVENT), self.events + found
  txn:set_var("txn.events", self.events)
end

-- HAProxy before 3.1 hands a boolean over as 0 or 1.
local function is(txn, name)
  local value = txn:get_var(name)
  return value == true or value == 1
end

-- Takes the event of usage out of a stream whose client did not ask for it: many read the first of its choices, and
-- it has none. An event that came in two pieces is left: it is lawful, if unasked.
local function withhold(txn, message, fresh)
  if is(txn, "txn.usage") then return end
  local from, to = ("\n" .. fresh):find(USAGE_EVENT)
  if from then message:remove(from - 1, to - from) end
end

function Meter:http_headers(_, message)
  if message:is_resp() then self.sized = message:get_headers()["content-length"] ~= nil end
end

function Meter:see(txn, piece, streamed)
  if streamed then self:count(txn, piece) end
  local text = self.tail .. piece
  note_usage(txn, text)
  self.tail = text:sub(-TAIL)
  -- A client may leave at any event, before the end of the body: then http_end is never called.
  if streamed and self.tail:find("data: [DONE]", -32, true) then txn:set_var("txn.ended", true) end
end

function Meter:http_payload(txn, message)
  if not message:is_resp() then return end
  local size = message:input()
  if size == 0 then return end
  if self.tail == "" then
    txn:set_var("txn.first_byte_ms", milliseconds() - (txn:get_var("txn.received_ms") or milliseconds()))
  end
  local streamed = is(txn, "txn.stream")
  local piece
  for from = 0, size - 1, PIECE do
    -- HAProxy may hand over more than it was asked for, and nothing for the end of a body.
    piece = (message:body(from, PIECE) or ""):sub(1, math.min(PIECE, size - from))
    self:see(txn, piece, streamed)
  end
  if streamed and size <= PIECE and not self.sized then withhold(txn, message, piece) end
end

function Meter:http_end(txn, message)
  if message:is_resp() then txn:set_var("txn.ended", true) end
end

core.register_filter("meter", Meter, function(class) return class end)

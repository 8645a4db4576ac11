-- Reads what the gateway needs from a request body, and nothing that an engine could read in another way.
--
-- HAProxy's json_query takes the first of two "model" keys where engines take the last, so a body could be
-- authorised as one model and served as another. This scanner accepts only what RFC 8259 accepts, in valid
-- UTF-8, with one object at the top and "model" in it exactly once, spelled exactly so.

local scanner = {}

scanner.MAX_DEPTH = 128 -- nesting; engines give up between 200 (jiter) and 1,000 (Python's json)
scanner.MAX_MODEL = 128 -- characters of a model name
scanner.PREFIX = 1024 -- bytes of the prompt that decide prefix affinity

local QUOTE, COMMA, COLON, BACKSLASH = 34, 44, 58, 92
local OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE = 91, 93, 123, 125
local PLAIN_ESCAPE = { [34] = '"', [92] = "\\", [47] = "/", [98] = "\b", [102] = "\f", [110] = "\n", [114] = "\r", [116] = "\t" }
local LITERALS = { [116] = "true", [102] = "false", [110] = "null" }

-- Fields by which routers and proxies of the OpenAI API choose another model, destination or credential.
local STEERING = {}
for name in ("models route provider plugins transforms fallbacks api_base base_url api_key user_config " ..
  "data_sources extra_body extra_headers"):gmatch("%S+") do STEERING[name] = true end

local byte, find, match, sub = string.byte, string.find, string.match, string.sub

local function skip(s, i)
  return match(s, "^[ \t\n\r]*()", i)
end

-- Position behind the closing quote of the string whose first character is at i, or nil.
local function string_end(s, i)
  while true do
    local at = find(s, '[%z\1-\31"\\]', i)
    if not at then return nil end
    local c = byte(s, at)
    if c == QUOTE then return at + 1 end
    if c ~= BACKSLASH then return nil end
    if PLAIN_ESCAPE[byte(s, at + 1)] then
      i = at + 2
    elseif find(s, "^u%x%x%x%x", at + 1) then
      i = at + 6
    else
      return nil
    end
  end
end

local function number_end(s, i)
  local after = match(s, "^%-?0()", i) or match(s, "^%-?[1-9]%d*()", i)
  if not after then return nil end
  if byte(s, after) == 46 then
    after = match(s, "^%.%d+()", after)
    if not after then return nil end
  end
  if find(s, "^[eE]", after) then after = match(s, "^[eE][+-]?%d+()", after) end
  return after
end

local value_end

local function array_end(s, i, depth)
  i = skip(s, i)
  if byte(s, i) == CLOSE_BRACKET then return i + 1 end
  while true do
    i = value_end(s, i, depth)
    if not i then return nil end
    i = skip(s, i)
    local c = byte(s, i)
    if c == CLOSE_BRACKET then return i + 1 end
    if c ~= COMMA then return nil end
    i = skip(s, i + 1)
  end
end

-- visit(key_from, key_to, value_from, value_to) is called for each member; raw text, quotes of the key left out.
local function object_end(s, i, depth, visit)
  i = skip(s, i)
  if byte(s, i) == CLOSE_BRACE then return i + 1 end
  while true do
    if byte(s, i) ~= QUOTE then return nil end
    local after_key = string_end(s, i + 1)
    if not after_key then return nil end
    local colon = skip(s, after_key)
    if byte(s, colon) ~= COLON then return nil end
    local from = skip(s, colon + 1)
    local after = value_end(s, from, depth)
    if not after then return nil end
    if visit then visit(i + 1, after_key - 2, from, after - 1) end
    i = skip(s, after)
    local c = byte(s, i)
    if c == CLOSE_BRACE then return i + 1 end
    if c ~= COMMA then return nil end
    i = skip(s, i + 1)
  end
end

function value_end(s, i, depth)
  local c = byte(s, i)
  if c == QUOTE then return string_end(s, i + 1) end
  if c == OPEN_BRACE or c == OPEN_BRACKET then
    if depth >= scanner.MAX_DEPTH then return nil end
    if c == OPEN_BRACE then return object_end(s, i + 1, depth + 1) end
    return array_end(s, i + 1, depth + 1)
  end
  local literal = LITERALS[c]
  if literal then
    return sub(s, i, i + #literal - 1) == literal and i + #literal or nil
  end
  return number_end(s, i)
end

-- The text that a valid JSON string stands for. A lone surrogate stays one: it matches no model.
local function unescape(raw)
  if not find(raw, "\\", 1, true) then return raw end
  local parts, i = {}, 1
  while true do
    local at = find(raw, "\\", i, true)
    if not at then
      parts[#parts + 1] = sub(raw, i)
      return table.concat(parts)
    end
    parts[#parts + 1] = sub(raw, i, at - 1)
    local plain = PLAIN_ESCAPE[byte(raw, at + 1)]
    if plain then
      parts[#parts + 1] = plain
      i = at + 2
    else
      parts[#parts + 1] = utf8.char(tonumber(sub(raw, at + 2, at + 5), 16))
      i = at + 6
    end
  end
end

-- A key as the most lenient reader compares it: Go's json takes these two letters for s and k.
local function folded(key)
  return (key:gsub("\u{17F}", "s"):gsub("\u{212A}", "k"):lower())
end

-- Returns {model=, at=, size=, stream=, prefix=, steering=} or nil and one of "invalid_json", "ambiguous_model", "missing_model".
-- at and size are where the model's JSON string lies in the body, quotes included: bytes before it, and of it.
-- steering is the name of the first field that chooses a model or destination beside "model", if there is one.
-- model is "" when the name holds characters that no model of ours has: it is then unknown, never looked up.
function scanner.scan(body)
  if not utf8.len(body) then return nil, "invalid_json" end
  local start = skip(body, 1)
  if byte(body, start) ~= OPEN_BRACE then return nil, "invalid_json" end
  local found = { stream = false }
  local seen, ambiguous = 0, false
  local function visit(key_from, key_to, from, to)
    local size = key_to - key_from + 1
    if size < 5 or size > 96 then return end -- none of the keys below, however it is escaped
    local raw = sub(body, key_from, key_to)
    local key = unescape(raw)
    local name = folded(key)
    if STEERING[name] then found.steering = found.steering or name end
    if name == "model" then
      seen = seen + 1
      ambiguous = ambiguous or seen > 1 or raw ~= "model"
      if byte(body, from) == QUOTE then
        found.at, found.size = from - 1, to - from + 1
        found.model = to - from - 1 <= 6 * scanner.MAX_MODEL and unescape(sub(body, from + 1, to - 1)) or ""
      end
    elseif key == "stream" then
      -- Some engines take 1 or "true" for true: what is not plainly no stream is counted as one.
      found.stream = byte(body, from) ~= 102 and byte(body, from) ~= 110
    elseif key == "stream_options" then
      found.usage = find(sub(body, from, to), '"include_usage"%s*:%s*true') ~= nil
    elseif key == "messages" or key == "prompt" then
      found.prefix = sub(body, from, math.min(to, from + scanner.PREFIX - 1))
    end
  end
  local after = object_end(body, start + 1, 1, visit)
  if not after or skip(body, after) <= #body then return nil, "invalid_json" end
  if ambiguous then return nil, "ambiguous_model" end
  if not found.model then return nil, "missing_model" end
  if #found.model > scanner.MAX_MODEL or not find(found.model, "^%w[%w._:-]*$") then found.model = "" end
  return found
end

return scanner

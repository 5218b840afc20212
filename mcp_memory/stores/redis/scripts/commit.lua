-- One transaction: what it was decided on must still be so, then everything is written.
-- KEYS[1]: says for a while that this transaction was done, so that it may be sent again after a lost answer.
-- ARGV[1]: JSON of the checks, the commands, and how many numbers are to be given of each kind, with the key at which
-- these are counted. A check is the number of a key, a field ('' for a string, '*' for the members of a sorted set), and
-- what it held (false for nothing). A command is its name, the number of its key, and its words. A number among these
-- stands for the argument of that number, which JSON could not carry; a negative one for a number that is given now; a
-- list for a text with such numbers in it, be it a word or a key.
-- ARGV[2]: what the keys of rows begin with.
-- Returns 0, or the number of the first check that failed.
if redis.call('EXISTS', KEYS[1]) == 1 then
  -- Something is written, so that who waits for the disk waits for what was done then.
  redis.call('EXPIRE', KEYS[1], 300)
  return 0
end
local plan = cjson.decode(ARGV[1])
for number, check in ipairs(plan[1]) do
  local key, field, held = KEYS[check[1]], check[2], check[3]
  local found
  if field == '' then
    found = redis.call('GET', key)
  elseif field == '*' then
    found = table.concat(redis.call('ZRANGE', key, 0, -1), ',')
    found = found ~= '' and found
  else
    found = redis.call('HGET', key, field)
  end
  if found ~= (type(held) == 'number' and ARGV[held] or held) then
    return number
  end
end

-- What is more than one command. Each gets the words after its name.
local acts = {}

-- Notes that so many more memories have a label: where they are counted, where the values stand sorted, value, change.
function acts.USE(...)
  local words = {...}
  for place = 1, #words, 4 do
    local uses, values, value, change = unpack(words, place, place + 3)
    local held = redis.call('HINCRBY', uses, value, change)
    if held == tonumber(change) then
      redis.call('ZADD', values, 0, value)
    elseif held <= 0 then
      redis.call('HDEL', uses, value)
      redis.call('ZREM', values, value)
    end
  end
end

-- Lists a number under several keys: the keys, and then the number.
function acts.LIST(...)
  local words = {...}
  local number = words[#words]
  for place = 1, #words - 1 do
    redis.call('ZADD', words[place], number, number)
  end
end

-- Adds to several fields of a hash: the fields, each with a number.
function acts.TALLY(key, ...)
  local words = {...}
  for place = 1, #words, 2 do
    redis.call('HINCRBY', key, words[place], words[place + 1])
  end
end

-- Adds to how many memories lie in scopes, and how many words they have: three words for each scope.
function acts.COUNT(counts, ...)
  local changes = {...}
  local scopes, kept, gone = {}, {}, {}
  for place = 1, #changes, 3 do
    scopes[#scopes + 1] = changes[place]
  end
  for place, held in ipairs(redis.call('HMGET', counts, unpack(scopes))) do
    local memories, words = string.match(held or '0 0', '(%d+) (%d+)')
    memories, words = memories + changes[3 * place - 1], words + changes[3 * place]
    if memories > 0 then
      kept[#kept + 1] = scopes[place]
      kept[#kept + 1] = string.format('%.0f %.0f', memories, words)
    else
      gone[#gone + 1] = scopes[place]
    end
  end
  if #kept > 0 then
    redis.call('HSET', counts, unpack(kept))
  end
  if #gone > 0 then
    redis.call('HDEL', counts, unpack(gone))
  end
end

-- Writes a string anew, but for its first bytes.
function acts.KEEP(key, first, rest)
  redis.call('SET', key, redis.call('GETRANGE', key, 0, first - 1) .. rest)
end

-- In the row of each memory stands who comes before and after it in its thread.
local BEFORE, AFTER = 8, 16

local function write(handle, place, ...)
  redis.call('SETRANGE', ARGV[2] .. handle, place, struct.pack('<' .. string.rep('i8', select('#', ...)), ...))
end

local function link(one, other)
  if one then
    write(one, AFTER, tonumber(other or 0))
  end
  if other then
    write(other, BEFORE, tonumber(one or 0))
  end
end

local function beside(thread, handle)
  local rank = redis.call('ZRANK', thread, handle)
  local found = redis.call('ZRANGE', thread, math.max(0, rank - 1), rank + 1)
  if rank == 0 then
    return nil, found[2]
  end
  return found[1], found[3]
end

function acts.LEAVE(thread, handle)
  link(beside(thread, handle))
  redis.call('ZREM', thread, handle)
  write(handle, BEFORE, 0, 0)
end

function acts.JOIN(thread, ...)
  local handles = {...}
  local members = {}
  for place, handle in ipairs(handles) do
    members[2 * place - 1], members[2 * place] = handle, handle
  end
  table.sort(handles, function(one, other) return tonumber(one) < tonumber(other) end)
  local last = redis.call('ZRANGE', thread, -1, -1)[1]
  redis.call('ZADD', thread, unpack(members))
  if last and tonumber(last) > tonumber(handles[1]) then
    for _, handle in ipairs(handles) do
      local before, after = beside(thread, handle)
      link(before, handle)
      link(handle, after)
    end
    return
  end
  for place, handle in ipairs(handles) do
    write(handle, BEFORE, tonumber(handles[place - 1] or last or 0), tonumber(handles[place + 1] or 0))
  end
  if last then
    write(last, AFTER, tonumber(handles[1]))
  end
end

redis.call('SET', KEYS[1], '', 'EX', 300)

local before = {}
for kind, asked in ipairs(plan[3]) do
  before[kind] = asked[1] > 0 and redis.call('INCRBY', asked[2], asked[1]) - asked[1]
end

local known = {}
local function given(code)
  if not known[code] then
    local kind = -code % #before
    known[code] = string.format('%.0f', before[kind + 1] + (-code - kind) / #before)
  end
  return known[code]
end

local function text(word)
  if type(word) == 'number' then
    return word > 0 and ARGV[word] or given(word)
  end
  for place = 2, #word, 2 do
    word[place] = given(word[place])
  end
  return table.concat(word)
end

for _, words in ipairs(plan[2]) do
  words[2] = KEYS[words[2]] or text(words[2])
  for place = 3, #words do
    local word = words[place]
    if type(word) ~= 'string' then
      words[place] = text(word)
    end
  end
  local act = acts[words[1]]
  if act then
    act(unpack(words, 2))
  else
    redis.call(unpack(words))
  end
end
return 0

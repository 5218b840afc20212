-- One transaction: what it was decided on must still be so, then everything is written.
-- KEYS[1]: says for a while that this transaction was done, so that it may be sent again after a lost answer.
-- ARGV[1]: JSON of the checks, the commands, how many numbers are to be given of each kind, and the new memories, which
-- are written before the commands. A check is the number of a key, a field ('' for a string, '*' for the members of a
-- sorted set), and what it held (false for nothing). A command is its name, the number of its key, and its words. A number
-- among these stands for the argument of that number, which JSON could not carry; a negative one for a number that is
-- given now; a list for a text with such numbers in it, be it a word or a key.
-- A new memory is the number of the first of its three arguments, which are texts that end with a zero, its row, and its
-- vector; and how many texts.
-- ARGV[2]: what every key of the store begins with.
-- Returns 0, or the number of the first check that failed.
local call, unpack, format = redis.call, unpack, string.format

if not call('SET', KEYS[1], '', 'EX', 300, 'NX') then
  -- Something is written, so that who waits for the disk waits for what was done then.
  call('EXPIRE', KEYS[1], 300)
  return 0
end
local plan = cjson.decode(ARGV[1])
for number, check in ipairs(plan[1]) do
  local key, field, held = KEYS[check[1]], check[2], check[3]
  local found
  if field == '' then
    found = call('GET', key)
  elseif field == '*' and not held then
    found = call('EXISTS', key) == 1
  elseif field == '*' then
    found = table.concat(call('ZRANGE', key, 0, -1), ',')
    found = found ~= '' and found
  else
    found = call('HGET', key, field)
  end
  if found ~= (type(held) == 'number' and ARGV[held] or held) then
    call('DEL', KEYS[1])
    return number
  end
end

-- What is more than one command. Each gets the words after its name.
local acts = {}

local function write_and_strike(key, kept, gone)
  if #kept > 0 then
    call('HSET', key, unpack(kept))
  end
  if #gone > 0 then
    call('HDEL', key, unpack(gone))
  end
end

-- Notes that so many more memories have labels: three words for each, its name, the value, and the change. The values of
-- a name stand sorted.
function acts.USE(uses, ...)
  local changes = {...}
  local fields, kept, gone = {}, {}, {}
  for place = 1, #changes, 3 do
    fields[#fields + 1] = changes[place] .. ':' .. changes[place + 1]
  end
  for place, held in ipairs(call('HMGET', uses, unpack(fields))) do
    local name, value, change = unpack(changes, 3 * place - 2, 3 * place)
    local values, count = ARGV[2] .. 'v:' .. name, (held or 0) + change
    if count > 0 then
      kept[#kept + 1] = fields[place]
      kept[#kept + 1] = format('%.0f', count)
      if not held then
        call('ZADD', values, 0, value)
      end
    else
      gone[#gone + 1] = fields[place]
      call('ZREM', values, value)
    end
  end
  write_and_strike(uses, kept, gone)
end

-- Keeps a new operation: where its id leads to it, its number, itself, and its moment. Then follows what it did, as below.
function acts.BEGIN(named, number, doc, moment, ...)
  local words = {...}
  local fields = {'doc', doc}
  call('SET', named, number)
  call('ZADD', ARGV[2] .. 'ot', moment, number)
  for place = 1, #words, 3 do
    local reach, kind, count = unpack(words, place, place + 2)
    call('ZADD', ARGV[2] .. 'ol:' .. reach, number, number)
    fields[#fields + 1], fields[#fields + 2] = reach .. ':' .. kind, count
  end
  call('HSET', ARGV[2] .. 'o:' .. number, unpack(fields))
end

-- Adds to what an operation did within scopes: where it is, its number, and three words for each scope: what stands for
-- it, what was done, and to how many more.
function acts.TALLY(operation, number, ...)
  local words = {...}
  for place = 1, #words, 3 do
    local reach, kind, more = unpack(words, place, place + 2)
    call('ZADD', ARGV[2] .. 'ol:' .. reach, number, number)
    call('HINCRBY', operation, reach .. ':' .. kind, more)
  end
end

-- Adds to how many memories lie in scopes, and how many words they have: three words for each scope.
function acts.COUNT(counts, ...)
  local changes = {...}
  local scopes, kept, gone = {}, {}, {}
  for place = 1, #changes, 3 do
    scopes[#scopes + 1] = changes[place]
  end
  for place, held in ipairs(call('HMGET', counts, unpack(scopes))) do
    local memories, words = string.match(held or '0 0', '(%d+) (%d+)')
    memories, words = memories + changes[3 * place - 1], words + changes[3 * place]
    if memories > 0 then
      kept[#kept + 1] = scopes[place]
      kept[#kept + 1] = format('%.0f %.0f', memories, words)
    else
      gone[#gone + 1] = scopes[place]
    end
  end
  write_and_strike(counts, kept, gone)
end

-- Notes the use of a memory: whether there is nothing to note, how many of the words stand as they are where anything is
-- noted, and its fields.
function acts.ACCESS(key, unused, standing, ...)
  local words = {...}
  if call('EXISTS', key) == 0 then
    if unused == '0' then
      call('HSET', key, unpack(words))
    end
  elseif #words > tonumber(standing) then
    call('HSET', key, unpack(words, standing + 1))
  end
end

-- Writes a string anew, but for its first bytes.
function acts.KEEP(key, first, rest)
  call('SET', key, call('GETRANGE', key, 0, first - 1) .. rest)
end

-- In the row of each memory stands who comes before and after it in its thread.
local BEFORE, AFTER = 8, 16

local function write(handle, place, ...)
  call('SETRANGE', ARGV[2] .. 'r:' .. handle, place, struct.pack('<' .. string.rep('i8', select('#', ...)), ...))
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
  local rank = call('ZRANK', thread, handle)
  local found = call('ZRANGE', thread, math.max(0, rank - 1), rank + 1)
  if rank == 0 then
    return nil, found[2]
  end
  return found[1], found[3]
end

function acts.LEAVE(thread, handle)
  link(beside(thread, handle))
  call('ZREM', thread, handle)
  write(handle, BEFORE, 0, 0)
end

function acts.JOIN(thread, ...)
  local handles = {...}
  local members = {}
  for place, handle in ipairs(handles) do
    members[2 * place - 1], members[2 * place] = handle, handle
  end
  table.sort(handles, function(one, other) return tonumber(one) < tonumber(other) end)
  local last = call('ZRANGE', thread, -1, -1)[1]
  call('ZADD', thread, unpack(members))
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

-- What is numbered; the last number of each kind is kept.
local KINDS = {'handle', 'image', 'operation', 'transaction'}
local before = {}
for place, asked in ipairs(plan[3]) do
  before[place] = asked > 0 and call('INCRBY', ARGV[2] .. 'last:' .. KINDS[place], asked) - asked
end

local known = {}
local function given(code)
  if not known[code] then
    local kind = -code % #KINDS
    known[code] = format('%.0f', before[kind + 1] + (-code - kind) / #KINDS)
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

local function numbered(word)
  local number = tonumber(word)
  return number < 0 and given(number) or word
end

-- Writes a new memory: its hash, its row, and what leads to it. The first texts say: its number, that of its image, of
-- the operation, the unit and this transaction, the image itself, the places of the keys of its name, its content and its
-- thread, its owner, and the field of its vector; what there is not is empty. All others are the fields of its hash, each
-- with its value behind it.
local HEAD = 11
local joined = {}

local function make(first, count)
  local lines = {struct.unpack(string.rep('s', count), ARGV[first])}
  local handle, image, vector = numbered(lines[1]), lines[2], lines[11]
  local name, content, thread = KEYS[tonumber(lines[7])], KEYS[tonumber(lines[8])], KEYS[tonumber(lines[9])]
  -- The place of the number that comes behind the texts is used too.
  lines[count + 1], lines[count + 2], lines[count + 3], lines[count + 4] = 'h', handle, 'rev', numbered(lines[5])
  if vector ~= '' then
    lines[count + 5], lines[count + 6] = vector, ARGV[first + 2]
  end
  call('HSET', ARGV[2] .. 'm:' .. handle, unpack(lines, HEAD + 1))
  call('SET', ARGV[2] .. 'r:' .. handle, ARGV[first + 1])
  if name then
    call('HSET', name, lines[10], 'n' .. handle)
  end
  if content then
    call('ZADD', content, handle, handle)
  end
  if thread then
    joined[thread] = joined[thread] or {}
    joined[thread][#joined[thread] + 1] = handle
  end
  if image ~= '' then
    image = numbered(image)
    local told = {numbered(lines[3]), handle, numbered(lines[4]), '', lines[6]}
    call('SET', ARGV[2] .. 'i:' .. image, table.concat(told, ' '))
    call('RPUSH', ARGV[2] .. 'ih:' .. handle, image)
  end
end

for _, new in ipairs(plan[4]) do
  make(new[1], new[2])
end
-- Lua hands on no more than some thousands of words at once.
local TOGETHER = 1000
for thread, handles in pairs(joined) do
  for first = 1, #handles, TOGETHER do
    acts.JOIN(thread, unpack(handles, first, math.min(first + TOGETHER - 1, #handles)))
  end
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
    call(unpack(words))
  end
end
return 0

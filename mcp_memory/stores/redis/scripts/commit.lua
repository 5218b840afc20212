-- One transaction: what it was decided on must still be so, then everything is written.
-- KEYS[1]: says for a while that this transaction was done, so that it may be sent again after a lost answer.
-- ARGV: number of checks; for each check the key's number, the field ('' for a string, '*' for
-- the members of a sorted set) and what it held ('' for
-- nothing, else '=' and the value); then for each command the number of its words, its name, its key's number, the rest.
-- Returns 0, or the number of the first check that failed.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
local at = 2
for check = 1, tonumber(ARGV[1]) do
  local key, field = KEYS[tonumber(ARGV[at])], ARGV[at + 1]
  local found
  if field == '' then
    found = redis.call('GET', key)
  elseif field == '*' then
    found = table.concat(redis.call('ZRANGE', key, 0, -1), ',')
    found = found ~= '' and found
  else
    found = redis.call('HGET', key, field)
  end
  if (found and '=' .. found or '') ~= ARGV[at + 2] then
    return check
  end
  at = at + 3
end

local function use(uses, values, value, change)
  if redis.call('HINCRBY', uses, value, change) > 0 then
    redis.call('ZADD', values, 0, value)
  else
    redis.call('HDEL', uses, value)
    redis.call('ZREM', values, value)
  end
end

redis.call('SET', KEYS[1], '', 'EX', 300)
while at <= #ARGV do
  local size, name = tonumber(ARGV[at]), ARGV[at + 1]
  if name == 'USE' then
    use(KEYS[tonumber(ARGV[at + 2])], KEYS[tonumber(ARGV[at + 3])], ARGV[at + 4], tonumber(ARGV[at + 5]))
  else
    local words = {name, KEYS[tonumber(ARGV[at + 2])]}
    for place = 3, size do
      words[place] = ARGV[at + place]
    end
    redis.call(unpack(words))
  end
  at = at + size + 1
end
return 0

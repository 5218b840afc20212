-- One transaction: what it was decided on must still be so, then everything is written.
-- KEYS[1]: says for a while that this transaction was done, so that it may be sent again after a lost answer.
-- ARGV[1]: JSON of the checks and the commands. A check is the number of a key, a field ('' for a string, '*' for the
-- members of a sorted set), and what it held (false for nothing). A command is its name, the number of its key, and its
-- words; a number among these stands for the argument of that number, which JSON could not carry.
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

local function use(uses, values, value, change)
  if redis.call('HINCRBY', uses, value, change) > 0 then
    redis.call('ZADD', values, 0, value)
  else
    redis.call('HDEL', uses, value)
    redis.call('ZREM', values, value)
  end
end

redis.call('SET', KEYS[1], '', 'EX', 300)
for _, words in ipairs(plan[2]) do
  words[2] = KEYS[words[2]]
  for place = 3, #words do
    if type(words[place]) == 'number' then
      words[place] = ARGV[words[place]]
    end
  end
  if words[1] == 'USE' then
    use(words[2], words[3], words[4], words[5])
  else
    redis.call(unpack(words))
  end
end
return 0

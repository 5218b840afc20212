-- Counts an access of memories for which one is due, and notes that what they say now was returned.
-- KEYS: where the use of each memory is noted, if it was ever used, then their rows, then the memories. ARGV: now; since
-- when an access needs no counting; now as it stands at the beginning of a row.
local count = #KEYS / 3
for place = 1, count do
  local key, memory = KEYS[place], KEYS[2 * count + place]
  local says, created, updated = unpack(redis.call('HMGET', memory, 'says', 'created', 'updated'))
  if says then
    local held = redis.call('HMGET', key, 'at', 'n', 'said')
    local last, times = tonumber(held[1]), tonumber(held[2] or 0)
    local changes = {}
    if times == 0 or last < tonumber(ARGV[2]) or last < tonumber(updated or created) then
      changes = {'at', ARGV[1], 'n', string.format('%.0f', times + 1)}
      redis.call('SETRANGE', KEYS[count + place], 0, ARGV[3])
    end
    if says ~= held[3] then
      changes[#changes + 1] = 'said'
      changes[#changes + 1] = says
    end
    if not last then
      local names = {'ns', 'us', 'se'}
      for number, owner in ipairs(redis.call('HMGET', memory, unpack(names))) do
        if owner then
          changes[#changes + 1] = names[number]
          changes[#changes + 1] = owner
        end
      end
    end
    if #changes > 0 then
      redis.call('HSET', key, unpack(changes))
    end
  end
end
return 0

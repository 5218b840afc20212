-- Counts an access of memories for which one is due, and notes that what they say now was returned.
-- KEYS: where the use of each memory is noted, and then their rows. ARGV: now; since when an access needs no counting; now
-- as it stands at the beginning of a row.
local count = #KEYS / 2
for place = 1, count do
  local key = KEYS[place]
  local held = redis.call('HMGET', key, 'at', 'n', 'updated', 'says', 'said')
  if held[1] then
    local last, times = tonumber(held[1]), tonumber(held[2])
    local changes = {}
    if times == 0 or last < tonumber(ARGV[2]) or last < tonumber(held[3]) then
      changes = {'at', ARGV[1], 'n', string.format('%.0f', times + 1)}
      redis.call('SETRANGE', KEYS[count + place], 0, ARGV[3])
    end
    if held[4] ~= held[5] then
      changes[#changes + 1] = 'said'
      changes[#changes + 1] = held[4]
    end
    if #changes > 0 then
      redis.call('HSET', key, unpack(changes))
    end
  end
end
return 0

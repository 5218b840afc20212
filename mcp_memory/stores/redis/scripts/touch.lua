-- Counts an access of memories for which one is due, and notes that what they say now was returned.
-- KEYS: where the use of each memory is noted. ARGV: now; since when an access needs no counting.
for _, key in ipairs(KEYS) do
  local held = redis.call('HMGET', key, 'at', 'n', 'updated', 'says', 'said')
  if held[1] then
    local last, count = tonumber(held[1]), tonumber(held[2])
    local changes = {}
    if count == 0 or last < tonumber(ARGV[2]) or last < tonumber(held[3]) then
      changes = {'at', ARGV[1], 'n', string.format('%.0f', count + 1)}
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

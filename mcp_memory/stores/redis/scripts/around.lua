-- When memories were used, and who stands around them in their threads.
-- KEYS[1]: any key of the store, for its slot. ARGV: what the keys of uses begin with, and of threads; the handles; for
-- those that stand in a thread the handle and the thread; how many to each side.
-- Returns a list of the moments, then for each thread the handles in their order.
local moments = {}
for handle in string.gmatch(ARGV[3], '%d+') do
  moments[#moments + 1] = redis.call('HGET', ARGV[1] .. handle, 'at') or ''
end
local found, reach = {moments}, tonumber(ARGV[5])
for handle, thread in string.gmatch(ARGV[4], '(%d+)=(%x+)') do
  local key = ARGV[2] .. thread
  local rank, run = redis.call('ZRANK', key, handle), ''
  if rank then
    run = table.concat(redis.call('ZRANGE', key, math.max(0, rank - reach), rank + reach), ' ')
  end
  found[#found + 1] = run
end
return found

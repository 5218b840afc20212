-- When memories were used, and who stands around them in their threads.
-- KEYS: where the use of each memory is noted; then, for those that stand in a thread, the thread.
-- ARGV: how many to each side; how many memories; for each thread the handle of the memory in it.
-- Returns a list of the moments, then for each thread a list of handles in their order.
local reach, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local moments = {}
for at = 1, count do
  moments[at] = redis.call('HGET', KEYS[at], 'at')
end
local found = {moments}
for at = count + 1, #KEYS do
  local rank = redis.call('ZRANK', KEYS[at], ARGV[at - count + 2])
  local run = {}
  if rank then
    run = redis.call('ZRANGE', KEYS[at], math.max(0, rank - reach), rank + reach)
  end
  found[at - count + 1] = run
end
return found

-- Deletes a name that still leads to this. KEYS: the name. ARGV: what it led to.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0

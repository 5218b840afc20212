-- What ranking reads of memories that a search did not bring itself.
-- KEYS: of each memory where it is and where its use is noted. Returns both for each, false where it is gone.
local found = {}
for at = 1, #KEYS, 2 do
  found[at] = redis.call('HGET', KEYS[at], 'row')
  found[at + 1] = redis.call('HGET', KEYS[at + 1], 'at')
end
return found

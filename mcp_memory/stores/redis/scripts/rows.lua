-- What ranking reads of memories that a search did not bring itself.
-- KEYS[1]: any key of the store, for its slot. ARGV: what the keys of memories begin with, and of their uses; handles.
-- Returns the row and the use of each, false where it is gone. A thousand keys would take longer to send than to read.
local found, at = {}, 0
for handle in string.gmatch(ARGV[3], '%d+') do
  found[at + 1] = redis.call('HGET', ARGV[1] .. handle, 'row')
  found[at + 2] = redis.call('HGET', ARGV[2] .. handle, 'at')
  at = at + 2
end
return found

-- Deletes a session that still ends when it was seen to. KEYS: the session. ARGV: its end.
if redis.call('HGET', KEYS[1], 'ends') == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0

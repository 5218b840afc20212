-- What names and contents lead to.
-- KEYS: of each name where its id is, then of each content its list. ARGV: the owner of each name.
-- Returns what each name leads to (false for nothing), then the members of each list, parted by commas.
local found = {}
for at, key in ipairs(KEYS) do
  if ARGV[at] then
    found[at] = redis.call('HGET', key, ARGV[at])
  else
    found[at] = table.concat(redis.call('ZRANGE', key, 0, -1), ',')
  end
end
return found

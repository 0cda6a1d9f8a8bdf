-- Another client waits for a read that is queued: it leaves in that client's turn, if that is sooner.
--
-- KEYS  1 state  2 queue  3 rounds: see acquire.lua   ARGV  1 client: a hash of its address  2 what is read
local state, queue, rounds, client, what = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2]

for _, member in ipairs(redis.call('ZRANGE', queue, 0, -1)) do
    local owner, read = string.match(member, ':([^:]*):(.*)')
    if read == what then
        local round = tonumber(redis.call('HGET', state, 'round') or 0)
        local last = tonumber(redis.call('ZSCORE', rounds, client) or round - 1)
        local next_round = math.max(round, last + 1)
        if next_round < tonumber(redis.call('ZSCORE', queue, member)) then
            redis.call('ZADD', queue, next_round, member)
            redis.call('ZADD', rounds, next_round, client)
            redis.call('ZADD', rounds, 'XX', 'INCR', -1, owner)
        end
        return
    end
end

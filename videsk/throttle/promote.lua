-- Promote a queued read that another client waits for too: move it to that client's turn if that is
-- sooner.
--
-- KEYS  1 state  2 queue  3 rounds   ARGV  1 client  2 read_key   (see acquire.lua)
local state, queue, rounds, client, read_key = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2]

for _, member in ipairs(redis.call('ZRANGE', queue, 0, -1)) do
    local owner, key = string.match(member, ':([^:]*):(.*)')
    if key == read_key then
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

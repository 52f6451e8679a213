-- One rate for several processes: the rules of src/schedule/shared_rate/store, by the clock of this
-- server. A test compares the two, so the names are the same.
--
-- KEYS[1] holds the state as text. ARGV: 'leave' and the member, or 'ask', the member and numbers.
-- The answer: held_by, again_in, pause, members, share, interval, fall number, fall, learned, slots.

local FORGOTTEN = 60000000
local CLOSED = FORGOTTEN
local LIVE = 1000000
local LEASE = 100000
local AHEAD_MAX = 10000000
local POLL = 50000
local PROBE = 1000000
local AUTO_INTERVAL = 50000
local SLOTS_MAX = 1000
local NOTHING = 1e-6
local SAME_END = 1500000
local OUTDATED = 10000000
local WINDOW_ROUNDING = 1e-6
local SHARE_ROUNDING = 1e-9
local SECOND = 1000000
local KEPT_S = 604800

local time = redis.call('TIME')
local now = tonumber(time[1]) * SECOND + tonumber(time[2])

local function numbers(text)
  local found = {}
  for word in string.gmatch(text, '%d+') do
    found[#found + 1] = tonumber(word)
  end
  return found
end

-- The state.
local state = {
  last = now, opens_at = now + CLOSED, next_slot = now, paused_until = 0, probe_until = 0,
  fall_number = 0, fall = 0, window = nil, members = {},
}
local text = redis.call('GET', KEYS[1])
if text then
  if string.sub(text, 1, 16) ~= 'custsync-rate 1\n' then
    return redis.error_reply('CUSTSYNC the key holds something else, or is of another version')
  end
  for line in string.gmatch(text, '[^\n]+') do
    local word, rest = string.match(line, '^(%a+) (.+)$')
    if word == 'times' then
      local n = numbers(rest)
      state.last, state.opens_at, state.next_slot = n[1], n[2], n[3]
      state.paused_until, state.probe_until = n[4], n[5]
    elseif word == 'fall' then
      local n = numbers(rest)
      state.fall_number, state.fall = n[1], n[2]
    elseif word == 'window' then
      local n = numbers(rest)
      state.window = {
        remaining = n[1], spend_until = n[2], over = n[3], late = n[4], started = n[5], spread = n[6],
      }
    elseif word == 'member' then
      local id, values = string.match(rest, '^(%x+) (.+)$')
      local n = numbers(values)
      state.members[id] = {
        seen = n[1], share = n[2], at_share = n[3], interval = n[4], auto = n[5], learned = n[6],
        outstanding = n[7],
      }
    end
  end
end

-- The members in the order of their names, so that sums are the same everywhere.
local function ids()
  local found = {}
  for id in pairs(state.members) do
    found[#found + 1] = id
  end
  table.sort(found)
  return found
end

local function less(one, other)
  return math.max(one - other, 0)
end

-- If the clock was set back, all known times move with it.
local back = less(state.last, now)
if back > 0 then
  for _, name in ipairs({'opens_at', 'next_slot', 'paused_until', 'probe_until'}) do
    state[name] = less(state[name], back)
  end
  for _, member in pairs(state.members) do
    member.seen = less(member.seen, back)
  end
  if state.window then
    for _, name in ipairs({'spend_until', 'over', 'started'}) do
      state.window[name] = less(state.window[name], back)
    end
  end
end
state.last = now
for _, id in ipairs(ids()) do
  if state.members[id].seen + FORGOTTEN <= now then
    state.members[id] = nil
  end
end
local function over_at(window)
  return window.over + window.late
end
if state.window and over_at(state.window) + OUTDATED <= now then
  state.window = nil
end

local function line(words, values)
  local parts = {words}
  for _, value in ipairs(values) do
    parts[#parts + 1] = string.format('%.0f', value)
  end
  return table.concat(parts, ' ') .. '\n'
end

local function keep()
  local lines = {
    'custsync-rate 1\n',
    line('times', {state.last, state.opens_at, state.next_slot, state.paused_until, state.probe_until}),
    line('fall', {state.fall_number, state.fall}),
  }
  local w = state.window
  if w then
    lines[#lines + 1] = line('window', {w.remaining, w.spend_until, w.over, w.late, w.started, w.spread})
  end
  for _, id in ipairs(ids()) do
    local m = state.members[id]
    lines[#lines + 1] = line('member ' .. id,
      {m.seen, m.share, m.at_share, m.interval, m.auto, m.learned, m.outstanding})
  end
  redis.call('SET', KEYS[1], table.concat(lines), 'EX', KEPT_S)
end

local asking = ARGV[2]
if ARGV[1] == 'leave' then
  state.members[asking] = nil
  keep()
  return {0, 0, 0, 0, 0, 0, 0, 0, 0}
end

local function argument(nth)
  return tonumber(ARGV[nth])
end
local ask = {
  wants = argument(3), interval = argument(4), auto = argument(5), learned = argument(6),
  fall = argument(7), pause = argument(8), at_share = argument(9), share = argument(10),
  outstanding = argument(11),
}

local function is_live(member)
  return not (member.seen + LIVE < now)
end

local function shares_of_others(counts)
  local sum = 0.0
  for _, id in ipairs(ids()) do
    local member = state.members[id]
    if id ~= asking and member.share > 0 and counts(member) then
      sum = sum + 1.0 / member.share
    end
  end
  return sum
end

-- The sign of life, and the share.
local members = #ids()
if not state.members[asking] then
  members = members + 1
end
local is_smaller = ask.share > 0 and ask.share < members
local others = shares_of_others(function() return true end)
local fits = others + 1.0 / members <= 1.0 + SHARE_ROUNDING
local told = ask.share
if state.opens_at <= now and (is_smaller or fits) then
  told = members
end
local share = told
if ask.share > 0 and (told == 0 or ask.share < told) then
  share = ask.share
end
state.members[asking] = {
  seen = now, share = share, at_share = ask.at_share, interval = ask.interval, auto = ask.auto,
  learned = ask.learned, outstanding = ask.outstanding,
}

-- What the member has heard from the API.
if ask.pause > 0 then
  state.paused_until = math.max(state.paused_until, now + ask.pause)
end
if ask.fall > 0 then
  state.fall_number = state.fall_number + 1
  state.fall = ask.fall
end
if argument(12) == 1 then
  local seen = {
    remaining = argument(13), spend_until = now + argument(14), over = now + argument(15),
    late = argument(16), started = less(now, argument(17)), spread = argument(18),
  }
  local known = state.window
  local follows = known and (seen.over > known.over + SAME_END
    or (over_at(known) <= now and seen.over > known.over
      and seen.started + SAME_END >= over_at(known)))
  if known and not follows then
    known.late = math.max(known.late, seen.late)
    if not (seen.over + SAME_END < known.over) then
      known.remaining = math.min(known.remaining, seen.remaining)
      known.spend_until, known.over = seen.spend_until, seen.over
    end
  elseif over_at(seen) > now then
    local outstanding = 0
    for _, member in pairs(state.members) do
      outstanding = outstanding + member.outstanding
    end
    seen.remaining = less(seen.remaining, outstanding)
    if known then
      seen.late = math.max(known.late, seen.late)
    end
    state.window = seen
    state.probe_until = 0
  end
end

-- The rate in force.
local live, given, per_second, slowest = 0, 0, 0.0, 0
local all_learned, others_learned = true, true
for _, id in ipairs(ids()) do
  local member = state.members[id]
  if is_live(member) then
    live = live + 1
    local interval = member.interval
    if member.auto == 1 then
      interval = state.window and 0 or AUTO_INTERVAL
    end
    given = math.max(given, interval)
    if member.learned == 0 then
      all_learned = false
    else
      per_second = per_second + SECOND / member.learned
    end
    if id ~= asking then
      if member.learned == 0 then
        others_learned = false
      else
        slowest = math.max(slowest, member.learned)
      end
    end
  end
end
local interval = given
if all_learned and per_second > 0.0 then
  interval = math.max(interval, math.ceil(SECOND / per_second))
end
if not others_learned then
  slowest = 0
end

-- The slots.
local held_by, again_in, slots = 0, 0, {}
local free = 1.0 - shares_of_others(function(member)
  return not is_live(member) or member.at_share == 1
end)
local function grant()
  if state.opens_at > now then
    held_by, again_in = 1, state.opens_at - now
    return
  elseif state.paused_until > now then
    held_by, again_in = 2, state.paused_until - now
    return
  elseif free < NOTHING then
    held_by, again_in = 6, LIVE / 2
    return
  elseif ask.wants == 0 then
    return
  end
  local step = math.ceil(interval / free)
  local ahead_max = AHEAD_MAX + 2 * #ids() * step
  local at = math.min(math.max(state.next_slot, now), now + ahead_max)
  local window = state.window
  if window and over_at(window) <= now then
    if state.probe_until > now then
      held_by, again_in = 5, POLL
      return
    end
    slots[1] = at - now
    state.probe_until = at + PROBE
    state.next_slot = at + step
    return
  end
  local first = at
  for nth = 1, math.min(ask.wants, SLOTS_MAX) do
    if nth > 1 and at >= first + LEASE then
      break
    end
    local gap = 0
    if window then
      local left = math.floor(window.remaining * free + WINDOW_ROUNDING)
      if left == 0 then
        held_by, again_in = 3, over_at(window) - now
        break
      end
      if at >= over_at(window) then
        held_by, again_in = 4, over_at(window) - now
        break
      end
      window.remaining = window.remaining - 1
      if window.spread == 1 then
        gap = math.floor(less(window.spend_until, at) / left)
      end
    end
    slots[#slots + 1] = at - now
    at = at + math.max(step, gap)
  end
  state.next_slot = at
end
grant()
state.members[asking].outstanding = ask.outstanding + #slots
keep()

local reply = {
  held_by, again_in, less(state.paused_until, now), live, told, interval, state.fall_number,
  state.fall, slowest,
}
for _, slot in ipairs(slots) do
  reply[#reply + 1] = slot
end
return reply

/* FINs, mailbox, wait list and dispatch as they are in this code, in sequentially consistent steps.
 *
 * Two FIN handlers, the dispatch thread, the device. Comments name the function that a step stands
 * for; what one thread does without being seen is one step. A core has one token at a time, tasks
 * were submitted before. tests/spin/run.sh says what each switch is and what it must come to.
 *
 * Without LIVE a poll that would see nothing waits until it would see something, so whatever hangs
 * ends in an invalid end state. With LIVE polls spin, and fairness must bring them on.
 */
#ifndef N
#define N 3
#endif
#ifndef CAP
#define CAP 2
#endif
#ifndef ROOM
#define ROOM 3
#endif
#ifdef CROSS
#define NSUBS 3
#else
#define NSUBS (N + 1)
#endif
#define NCORES 2
#define DISPATCH 2
#define ASTRAY 100

/* A subtask; core c belongs to handler c. */
typedef Sub { byte task; byte core; byte conds; bool placed; bool ended }
/* A task: retire word, fan-in, and what the wait list knows of it. */
typedef Task {
    byte remaining; byte expected; bool deferred; bool finished; bool failed;
    byte waits_for; bool poisoned; byte bound; byte left; bool reserved;
    byte seen; bool done; byte unmet; bool settled; bool entry
}
Sub sub[NSUBS];
Task task[N];
byte total;
byte room;
#ifdef CROSS
byte order[N];
byte decided;
byte inlined;
byte delivered;
#endif

/* mailbox/src/ring.rs; positions do not wrap in so short a run */
byte head, tail, tail_copy;
byte seq[CAP];
byte m_task[CAP]; bool m_done[CAP]; byte m_epoch[CAP];
byte epoch = 1;
bool condemned, orphans, died;
byte end_of_claims;
bool locked;

/* scheduler/src/core_set.rs `Record`, core_pair.rs `CorePair`, and the registers of a core */
byte record[NCORES];
bool in_flight[NCORES];
byte token[NCORES];
byte cond[NCORES];
byte counters;

/* mailbox/src/wake.rs */
mtype = { EMPTY, NOTIFIED, PARKED };
mtype wake[3] = EMPTY;
bool stop;

#ifdef DUP
bool rung[NCORES];
bool news[NCORES];
bool repeated;
#endif
#ifdef B4
bool spins[2];
#endif
#ifdef B5
bool helping;
#endif
#ifdef B7
bool writing;
#endif
#ifdef TWO
bool taken[16];
#endif
#ifdef B9
byte entries;
#endif
#ifdef RUNS
byte runs = 1;
#endif

#define HOLDS(t) (counters & (1 << (t)))
#define PUBLISHED (seq[tail % CAP] == tail + 1)
#define GAP (!PUBLISHED && !condemned && head > tail)
#ifdef B1
#define FREE (CAP - ((h - tl) & 255))
#else
#define FREE (CAP - (h - tl))
#endif
#ifdef B8
#define ENDS(c) (in_flight[c] && news[c])
#else
#define ENDS(c) (in_flight[c] && cond[c] == token[c])
#endif

/* WakeToken::ring and unpark */
#define ring(who) wake[who] = NOTIFIED
/* WakeToken::clear */
#define clear(who) wake[who] = EMPTY
/* WakeToken::try_park and park */
inline park(who) {
    if
    :: atomic { wake[who] == EMPTY -> wake[who] = PARKED };
       wake[who] != PARKED
    :: wake[who] != EMPTY
    fi
}

/* complete.rs `finish_task`: the outcome is decided by one exchange on the retire word (of an inline
 * task by the last `retire`; here it is a step of its own, which only adds schedules); then
 * `Release::walk`: consumers are counted down one by one, and the last count makes them ready. */
inline finish(f, is_inline) {
    d_step {
        assert(!task[f].finished);
        assert(task[f].remaining == 0 || task[f].poisoned);
        assert(task[f].failed || task[f].poisoned || task[f].seen == task[f].expected);
        assert(task[f].failed || task[f].poisoned || task[f].expected == 0 || HOLDS(f));
#ifdef CROSS
        order[decided] = f + 1;
        decided++;
        inlined = inlined + is_inline;
#endif
        task[f].finished = true
    }
#if N >= 3
    if
    :: f < 2 -> d_step {
           assert(task[2].waits_for > 0);
           task[2].poisoned = task[2].poisoned || task[f].failed;
           task[2].waits_for--
       }
    :: else
    fi;
#endif
    total++
}

/* wait_entry.rs `settle_if_done` */
#define settle_if_done(t) \
    task[t].settled = task[t].settled || \
        (!task[t].finished && task[t].done && task[t].seen == task[t].expected && task[t].unmet == 0)

/* wait_entry.rs `deliver`, `condition`, `done`: what the holder of the lock does with one message */
inline deliver(p) {
#ifdef B7
    writing = true;
#endif
    d_step {
#ifdef TWO
        assert(!taken[p]);
        taken[p] = true;
#endif
        t = m_task[p % CAP];
        if
#ifndef B3
        :: m_epoch[p % CAP] != epoch -> skip            /* Malformed::Epoch: reported */
#else
        :: m_epoch[p % CAP] != epoch -> assert(false)   /* acted on, though of another run */
#endif
        :: else ->
#ifdef CROSS
           delivered++;
#endif
           assert(task[t].deferred && !task[t].finished);
#ifdef B9
           entries = entries + !task[t].entry;
#endif
           task[t].entry = true;
           if
           :: m_done[p % CAP] ->
              assert(!task[t].done && task[t].remaining == 0);
              task[t].done = true
           :: !m_done[p % CAP] && HOLDS(t) ->           /* first_look: met */
              task[t].seen++; task[t].left--; room--
           :: !m_done[p % CAP] && !HOLDS(t) ->
              task[t].seen++; task[t].unmet++
           fi;
           settle_if_done(t)
        fi;
        t = 0
    }
#ifdef B7
    writing = false
#endif
}

/*
 * ring.rs `claim`, cell.rs `publish`, duty.rs `push`: messages `next .. owed`, one batch. Here each
 * part (a condition, TASK_NORMAL_DONE) is a message. A bundle is only coarser: neighbouring parts
 * of one batch in one slot, published and taken in one step.
 */
inline push() {
    h = head;                                           /* HEAD_SEEN */
    tl = tail_copy;                                     /* COPY_LOAD */
    do
    :: if
       :: FREE < owed - next ->
          d_step {                                      /* refresh_tail: TAIL_REFRESH */
              tl = tail;
              assert(FREE > 0 || condemned || head - tail >= CAP)
          }
          tail_copy = tl                                /* COPY_STORE */
       :: else
       fi;
       if
       :: FREE <= 0 ->
#ifdef B4
          spins[me] = true;
          (head - tail < CAP);
          spins[me] = false;
          h = head; tl = tail
#else
          break                                         /* full: the duty stays */
#endif
       :: else ->
          d_step {                                      /* HEAD_CLAIM, one exchange */
              if
              :: head == h ->
                 count = (FREE < owed - next -> FREE : owed - next);
                 head = h + count
              :: else -> h = head
              fi
          }
          if
          :: count > 0 -> break
          :: else
          fi
       fi
    od;
#ifdef DIE
    if
    :: count > 0 && !died ->                            /* Pusher::die: never published */
       d_step { died = true; next = next + count; count = 0; moved = true }
    :: true
    fi;
#endif
#ifdef B5
    !helping;                                           /* the helper has this claimer's processor */
#endif
    do
    :: count > 0 ->
       d_step {                                         /* PUBLISH */
           m_task[h % CAP] = sub[duty - 1].task;
           m_done[h % CAP] = next == conds;
           m_epoch[h % CAP] = epoch;
           seq[h % CAP] = h + 1;
           h++; next++; count--;
           moved = true
       }
    :: else -> break
    od;
    skip;
    d_step {
        h = 0; tl = 0;
        if
        :: next < owed && condemned ->                  /* go_on: is_lost, Orphans::say */
           orphans = true; next = owed; moved = true
        :: else
        fi;
        if
        :: next == owed ->                              /* free_record */
           record[me] = 0;
           duty = 0; next = 0; owed = 0; conds = 0
        :: else
        fi
    }
    if
    :: moved -> moved = false; ring(DISPATCH)           /* HandlerStep::Progress */
    :: else
    fi
}

/* handler.rs `visit`: observe, then `finished`, `retire`, `follow` */
inline visit() {
    d_step {                                            /* CorePair::apply; the record says who */
#ifdef DUP
        news[me] = false;
#endif
        in_flight[me] = false;
        duty = record[me];
        assert(sub[duty - 1].ended);
        conds = sub[duty - 1].conds
    }
    d_step {                                            /* RetireWord::retire, one exchange */
        t = sub[duty - 1].task;
        assert(task[t].remaining > 0 && !task[t].finished);
        task[t].remaining--;
        task[t].expected = task[t].expected + conds;
        task[t].deferred = task[t].deferred || conds > 0;
        is_last = task[t].remaining == 0;
        owed = conds + (is_last && task[t].deferred)
    }
    if
    :: owed > 0 -> t = 0; is_last = false; push()       /* LastDeferred, or conditions of a part */
    :: else ->
       if
       :: is_last -> finish(t, 1)                       /* LastInline */
       :: else                                          /* Partial */
       fi;
       d_step { record[me] = 0; duty = 0; conds = 0; t = 0; is_last = false };
       ring(DISPATCH)
    fi
}

#ifdef B4
#define MAY_PUSH true
#else
#define MAY_PUSH (head - tail < CAP || condemned)
#endif

/* threads.rs `handle_fins`: passes till one sees nothing, then rest. Looks of one pass are one step. */
proctype handler(byte me) {
    byte duty, next, owed, conds, h, tl, count, t;
    bool is_last, moved;
    do
    :: clear(me);
       do
       :: stop -> goto over
       :: !stop && duty != 0 && MAY_PUSH -> push()   /* go_on */
       :: !stop && duty == 0 && ENDS(me) -> visit()
       :: else -> break
       od;
       if
       :: duty == 0 && !in_flight[me] -> park(me)
#ifdef LIVE
       :: else
#else
       :: else -> (stop || (duty == 0 && ENDS(me)) || (duty != 0 && MAY_PUSH))
#endif
       fi
    od;
over:
    skip
}

/* gap.rs `watch_gap` past the limit: ring.rs `condemn`, one exchange on head; then `salvage` */
inline recover() {
    d_step { condemned = true; end_of_claims = head; head = ASTRAY }
    do
    :: tail < end_of_claims ->
       if
       :: PUBLISHED -> deliver(tail)
       :: else                                          /* Salvage::Missing */
       fi;
       tail++
    :: else -> break
    od;
    orphans = true
}

#define HAS_ALL(t) (task[t].done && task[t].seen == task[t].expected)
#define LACKS_MESSAGES(t) (task[t].deferred && task[t].remaining == 0 && !HAS_ALL(t) && \
    !task[t].finished && !task[t].settled)

/* wait_entry.rs `fail_orphans`: wholly retired, and its messages cannot all come any more */
inline fail_orphans() {
    orphans = false;                                    /* Orphans::take, before the look */
    d_step {
        t = 0;
        do
        :: t < N ->
           if
           :: LACKS_MESSAGES(t) ->
              room = room - task[t].left;
              task[t].left = 0; task[t].unmet = 0;
              task[t].failed = true; task[t].settled = true
           :: else
           fi;
           t++
        :: else -> break
        od;
        t = 0
    }
}

/* wait_list.rs `settle`, a sweep over all conditions */
inline settle() {
    d_step {
        t = 0;
        do
        :: t < N ->
           if
           :: task[t].unmet > 0 && HOLDS(t) ->
              room = room - task[t].unmet;
              task[t].left = task[t].left - task[t].unmet;
              task[t].unmet = 0;
              settle_if_done(t)
           :: else
           fi;
           t++
        :: else -> break
        od;
        t = 0
    }
}

/* wait_list.rs `drain`, handle.rs `Consumer::drain`: one message */
inline drain() {
#ifdef B6
    at = tail;
    deliver(at);
    tail = at + 1
#else
    deliver(tail);
    tail++                                              /* TAIL_RELEASE, stride 1 */
#endif
}

#define IS_READY(s) (!sub[s].placed && task[sub[s].task].waits_for == 0 && \
    !task[sub[s].task].poisoned)

#define FITS(t) (task[t].reserved || room + task[t].bound <= ROOM)
#define PLACE(s) ((s) < NSUBS && IS_READY((s) % NSUBS) && \
    record[sub[(s) % NSUBS].core] == 0 && FITS(sub[(s) % NSUBS].task))
#define ANY_PLACE (PLACE(0) || PLACE(1) || PLACE(2) || PLACE(3) || PLACE(4))

/* dispatch.rs `dispatch`, `admit`, `install` of one subtask. Record, pair and doorbell are one step:
 * the handler looks at the pair first, the core at the doorbell. */
inline place() {
    d_step {
        s = 0;
        do
        :: !PLACE(s) -> s++
        :: else -> break
        od;
        t = sub[s].task;                                /* Room::reserve, once a task */
        room = room + (task[t].reserved -> 0 : task[t].bound);
        task[t].reserved = true;
        t = 0;
        sub[s].placed = true;
        record[sub[s].core] = s + 1;
        token[sub[s].core]++;
        in_flight[sub[s].core] = true;                  /* INSTALL */
#ifdef DUP
        rung[sub[s].core] = true                        /* Port::ring_doorbell */
#else
        sub[s].ended = true;
        cond[sub[s].core] = token[sub[s].core]
#endif
    }
    d_step { ring(sub[s].core); s = 0 }                 /* Pass::handlers */
}

#define ENDS_HERE(t) ((t) < N && (task[(t) % N].settled || \
    (task[(t) % N].poisoned && task[(t) % N].waits_for == 0 && !task[(t) % N].finished)))
#define ANY_END (ENDS_HERE(0) || ENDS_HERE(1) || ENDS_HERE(2) || ENDS_HERE(3))

/* dispatch.rs `finish`, `next_to_finish`: what was settled, and what is cancelled */
inline finish_next() {
    d_step {
        t = 0;
        do
        :: !ENDS_HERE(t) -> t++
        :: else -> break
        od;
#ifdef B9
        entries--;
#endif
        task[t].settled = false
    }
    finish(t, 0);
    t = 0
}

#ifdef DUP
#define CORE(c) \
    :: d_step { rung[c] -> rung[c] = false; sub[record[c] - 1].ended = true; cond[c] = token[c]; \
           news[c] = true } \
    :: d_step { rung[c] && !repeated && token[c] > 1 -> repeated = true; news[c] = true }
#endif

#if defined(TWO) || defined(ASK)
#define lock_ atomic { !locked -> locked = true }       /* TryLock::try_lock */
#define unlock_ locked = false
#else
#define lock_ skip
#define unlock_ skip
#endif
/* Pass::watching: conditions that are polled, and a gap that has a limit */
#define WAITS(t) ((t) < N && task[(t) % N].unmet > 0)
#define WATCHING (WAITS(0) || WAITS(1) || WAITS(2) || WAITS(3) || GAP)
#define MET(t) (WAITS(t) && HOLDS((t) % N))
#define ANY_MET (MET(0) || MET(1) || MET(2) || MET(3))
#ifdef B9
/* the planted bug: an entry a task, room for one, and what finds none stays in the ring */
#define HAS_ENTRY(t) (task[t].entry || entries == 0)
#define MAIL (PUBLISHED && !condemned && HAS_ENTRY(m_task[tail % CAP]))
#elif defined(B4)
/* the planted bug: FIN threads alone drain, and not while they wait for room */
#define MAIL (PUBLISHED && !condemned && !(spins[0] && spins[1]))
#else
#define MAIL (PUBLISHED && !condemned)
#endif
#define NEWS (ANY_MET || MAIL || wake[DISPATCH] != EMPTY)

inline set_task(t, subs, conds_, before) {
    task[t].remaining = subs; task[t].bound = conds_; task[t].left = conds_;
    task[t].waits_for = before;
    task[t].expected = 0; task[t].deferred = false; task[t].finished = false;
    task[t].reserved = false; task[t].seen = 0; task[t].done = false; task[t].entry = false
}
inline set_sub(s, t, c, conds_) {
    sub[s].task = t; sub[s].core = c; sub[s].conds = conds_; sub[s].placed = false;
    sub[s].ended = false
}

/* Task 0: a part with a condition on each side of the chip's divide, the other without. Task 1: two
 * conditions. Task 2 waits for both, and is inline. Task 3: one condition. */
inline submit_all() {
    set_task(0, 2, 1, 0);
    set_sub(0, 0, 0, 1);
    set_sub(1, 0, 1, 0);
#if N >= 2
    set_task(1, 1, 2, 0);
    set_sub(2, 1, 1, 2);
#endif
#if N >= 3
    set_task(2, 1, 0, 2);
    set_sub(3, 2, 0, 0);
#endif
#if N >= 4
    set_task(3, 1, 1, 0);
    set_sub(4, 3, 0, 1);
#endif
    skip
}

#ifdef RUNS
/* handle.rs `Consumer::reset`: positions go on, messages carry the epoch. B3: they begin at 0. */
inline next_run() {
    d_step {
        runs++;
        total = 0; epoch++; counters = 2 + 8;
        submit_all();
#ifdef B3
        head = 0; tail = 0; tail_copy = 0
#endif
    }
}
/* A producer of the first run that pushes one message more, at whatever time of the second. */
proctype straggler() {
    byte h;
    runs == RUNS;
    h = head;
    if
    :: atomic { head == h && head - tail < CAP -> head = h + 1 };
       d_step {
           m_task[h % CAP] = 0; m_done[h % CAP] = true; m_epoch[h % CAP] = 1;
           seq[h % CAP] = h + 1
       }
       ring(DISPATCH)
    :: true
    fi
}
#endif

/* threads.rs `dispatch`, dispatch.rs `pass`: settle, drain, finish, place, till a look sees nothing */
proctype dispatch() {
    byte t, s;
#ifdef B6
    byte at;
#endif
    do
    :: clear(DISPATCH);
       do
       :: total == N ->
#ifdef RUNS
          if
          :: runs == RUNS -> goto over
          :: runs < RUNS && wake[0] == PARKED && wake[1] == PARKED && !PUBLISHED -> next_run()
          fi
#else
          goto over
#endif
       :: total < N && MAIL ->
          lock_;
          if
          :: MAIL -> drain()
          :: else                                       /* who had the lock took it */
          fi;
          unlock_
       :: total < N && ANY_MET -> lock_; settle(); unlock_
       :: total < N && condemned && orphans -> fail_orphans()
       :: total < N && ANY_END -> finish_next()
       :: total < N && ANY_PLACE -> place()
#ifdef B5
       :: total < N && GAP ->                           /* helps, and never yields */
          helping = true;
          do
          :: GAP -> skip
          :: else -> break
          od;
          helping = false
#endif
       :: else -> break
       od;
       if
       :: WATCHING ->
          if
#if defined(DIE) && !defined(B2)
          :: GAP -> recover()                           /* the gap's limit is over */
#endif
#ifdef LIVE
          :: true
#else
          :: NEWS || !WATCHING
#endif
          fi
       :: !WATCHING -> park(DISPATCH)
       fi
    od;
over:
    assert(room == 0);
    stop = true;                                        /* threads.rs `EndOnDrop` */
    ring(0);
    ring(1);
#ifdef CROSS
    c_code {
        printf("outcome: %c%c%c messages %d inline %d\n", now.order[0] + 64, now.order[1] + 64,
            now.order[2] + 64, now.delivered, now.inlined);
    }
#endif
    skip
}

/* Engines raise counters whenever they like; those of task 1 hold from the beginning. Without DUP a
 * core says FIN at once: a FIN that comes later and a handler that looks later are the same. */
proctype device() {
end:
    do
    :: d_step { !HOLDS(0) -> counters = counters | 1 }
#ifdef DUP
    CORE(0)
    CORE(1)
#endif
    od
}

#ifdef TWO
/* A second would-be consumer: with the lock, or (B6) without. */
proctype other() {
    byte t, at;
#ifndef B6
    if
    :: atomic { !locked -> locked = true }
    :: locked -> goto over
    fi;
#endif
    if
    :: PUBLISHED ->
       at = tail;
       deliver(at);
       tail = at + 1
    :: else
    fi;
#ifndef B6
    locked = false;
#endif
    ring(DISPATCH);
over:
    skip
}
#endif

#ifdef ASK
/* Somebody asks how many wait: under the lock, or (B7) by a plain read. */
proctype asker() {
#ifdef B7
    assert(!writing)
#else
    atomic { !locked -> locked = true };
    locked = false;
    ring(DISPATCH)
#endif
}
#endif

init {
    atomic {
#ifdef CROSS
        /* As tests/src/cross.rs: A leaves a condition that holds, B none, C waits for both. */
        set_task(0, 1, 1, 0); set_sub(0, 0, 0, 1);
        set_task(1, 1, 0, 0); set_sub(1, 1, 1, 0);
        set_task(2, 1, 0, 2); set_sub(2, 2, 0, 0);
        counters = 1;
#else
        submit_all();
        counters = 2 + 8;
        run device();
#endif
        run handler(0);
        run handler(1);
        run dispatch();
#ifdef TWO
        run other();
#endif
#ifdef ASK
        run asker();
#endif
#ifdef RUNS
        run straggler();
#endif
    }
}

#ifdef LIVE
ltl all_finish { <> (total == N) }
#endif

/** Owns how people are told what of a record was dropped, cut or late (G3): a sentence for each counter. */

/** For one, and for several. */
const WORDS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  bus_lines_dropped: ['line of the bus was lost', 'lines of the bus were lost'],
  bus_lines_delayed: ['line of the bus was written late', 'lines of the bus were written late'],
  bus_lines_removed: ['line of the bus was removed with its file', 'lines of the bus were removed with their files'],
  bodies_cut: ['long input or output was cut on the record', 'long inputs or outputs were cut on the record'],
  blobs_lost: ['long input or output was kept only in part', 'long inputs or outputs were kept only in part'],
  log_entries_dropped: ['entry of the log was lost', 'entries of the log were lost'],
  syncs_failed: ['sync to the disk failed', 'syncs to the disk failed'],
  module_notes_lost: ['note of the module did not reach its pod', 'notes of the module did not reach their pod'],
  module_notes_cut: ['note of the module was cut', 'notes of the module were cut'],
  module_results_lost: ['result of the module did not reach its pod', 'results of the module did not reach their pod'],
  module_usage_lost: [
    'report of tokens of the module did not reach its pod',
    'reports of tokens of the module did not reach their pod',
  ],
  redis_events_dropped: [
    'tool call was let go: more than 5,000 waited for Redis',
    'tool calls were let go: more than 5,000 waited for Redis',
  ],
  redis_events_held_back: ['tool call is not in Redis', 'tool calls are not in Redis'],
  redis_transitions_held_back: [
    'transition is not in Redis until "nika reconcile"',
    'transitions are not in Redis until "nika reconcile"',
  ],
  worktree_untold: ['change of the worktree was not looked at', 'changes of the worktree were not looked at'],
  notifications_dropped: ['notification was lost: nobody was told', 'notifications were lost: nobody was told'],
  output_pieces_dropped: ['piece of output was not kept in logs/', 'pieces of output were not kept in logs/'],
};

/** Hooks by their names, and what went wrong on the socket. */
const HOOK = 'hook ';
const SOCKET = 'socket_';

/** `3 lines of the bus were lost, 1 entry of the log was lost`; empty: nothing. Counters that are not known keep their names. */
export const droppedText = (counts: Readonly<Record<string, unknown>> | undefined): string =>
  Object.entries(counts ?? {})
    .filter(([, count]) => typeof count === 'number' && count > 0)
    .map(([name, count]) => {
      if (name.startsWith(HOOK)) return `the hook ${name.slice(HOOK.length)} failed ${String(count)} times`;
      if (name.startsWith(SOCKET))
        return `on the socket: ${String(count)} × ${name.slice(SOCKET.length).replaceAll('_', ' ')}`;
      const words = Object.hasOwn(WORDS, name) ? WORDS[name] : undefined;
      return words === undefined
        ? `${name.replaceAll('_', ' ')}: ${String(count)}`
        : `${String(count)} ${count === 1 ? words[0] : words[1]}`;
    })
    .join(', ');

/** `redis is down: connect ECONNREFUSED 127.0.0.1:6379`; empty: all services could be used. */
export const degradedText = (
  degraded: readonly { readonly service: string; readonly state: string; readonly why: string }[],
): string => degraded.map(({ service, state, why }) => `${service} is ${state}: ${why}`).join('; ');

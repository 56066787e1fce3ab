/**
 * Owns how a script is run: by its hash, and with its text where the server does not know it (any more).
 *
 * S1. A script touches one key, so that it runs in a Cluster.
 * S2. It sets the key's time to live in the same step (G5). Whether its user may do so is asked before anything is
 *     written. Not by calling EXPIRE: after a first write of whatever kind, Redis lets a script write on although memory
 *     is full (seen with Redis 7.0). For the same reason its first write is one that a full memory refuses.
 * S3. Run twice with the same arguments it changes nothing the second time: a lost answer is sent again.
 */
import { createHash } from 'node:crypto';
import type { CallOutcome } from '../call-outcome.ts';
import type { Key } from '../keys.ts';
import type { Argument, CallOptions, Command, Link } from '../link.ts';

export interface Script {
  /** What its user must be allowed to run, besides EVAL and EVALSHA. */
  readonly commands: readonly string[];
  /** Lua. */
  readonly text: string;
  /** SHA-1 of the text: the name by which the server knows it. */
  readonly sha: string;
}

/** One run of a script on one key. */
export interface ScriptCall<T> {
  readonly script: Script;
  readonly key: Key;
  readonly args: readonly Argument[];
  /** What the script answered. */
  readonly read: (reply: unknown) => T;
}

/** A command with a subcommand is asked for with it: its key comes behind. */
const askForSub = (name: string): string => `
  if not redis.acl_check_cmd(${name
    .split('|')
    .map((word) => `'${word}'`)
    .join(', ')}, KEYS[1], '0', '0') then
    return redis.error_reply('NOPERM this user may not run ${name} on ' .. KEYS[1])
  end`;

/** Before Redis 7 a script that asks for the time may only write after the first line, and its user's rights cannot be asked. */
const head = (commands: readonly string[]): string => `
if redis.replicate_commands then redis.replicate_commands() end
if redis.acl_check_cmd then
  for _, name in ipairs({${['EXPIRE', ...commands.filter((name) => !name.includes('|'))].map((name) => `'${name}'`).join(', ')}}) do
    if not redis.acl_check_cmd(name, KEYS[1], '0', '0') then
      return redis.error_reply('NOPERM this user may not run ' .. name .. ' on ' .. KEYS[1])
    end
  end${commands
    .filter((name) => name.includes('|'))
    .map(askForSub)
    .join('')}
end
`;

/** `commands`: those it uses besides EXPIRE, a subcommand behind a bar; without the right to all of them it does nothing at all. */
export const createScript = (commands: readonly string[], body: string): Script => {
  const text = `${head(commands).trim()}\n${body.trim()}\n`;
  return { commands: ['EXPIRE', ...commands], text, sha: createHash('sha1').update(text).digest('hex') };
};

const byHash = ({ script, key, args }: ScriptCall<unknown>): Command => ({
  name: 'evalsha',
  args: [script.sha, 1, key.name, key.ttlS, ...args],
});

const byText = ({ script, key, args }: ScriptCall<unknown>): Command => ({
  name: 'eval',
  args: [script.text, 1, key.name, key.ttlS, ...args],
});

const isUnknownScript = (outcome: CallOutcome): boolean => outcome.kind === 'refused' && outcome.code === 'NOSCRIPT';

const STRANGE = 'what answers there is no Redis: it gave an answer that no script gives';

const read = <T>(call: ScriptCall<T>, outcome: CallOutcome): CallOutcome<T> => {
  if (outcome.kind !== 'done') return outcome;
  try {
    return { kind: 'done', value: call.read(outcome.value) };
  } catch {
    return { kind: 'refused', code: 'ERR', why: STRANGE };
  }
};

type OutcomesOf<C extends readonly ScriptCall<unknown>[]> = {
  readonly [I in keyof C]: C[I] extends ScriptCall<infer T> ? CallOutcome<T> : never;
};

/** Runs them all at once, in order; one answer each. Never rejects. */
export const runScripts = async <const C extends readonly ScriptCall<unknown>[]>(
  link: Link,
  calls: C,
  options: CallOptions = {},
  signal?: AbortSignal,
): Promise<OutcomesOf<C>> => {
  const outcomes = [...(await link.callAll(calls.map(byHash), options, signal))];
  const again = outcomes.flatMap((outcome, at) => (isUnknownScript(outcome) ? [at] : []));
  if (again.length > 0) {
    const texts = again.flatMap((at) => calls[at] ?? []).map(byText);
    const answers = await link.callAll(texts, options, signal);
    for (const [nth, at] of again.entries()) outcomes[at] = answers[nth] ?? { kind: 'unsent', why: 'not sent' };
  }
  const all = calls.map((call, at) => read(call, outcomes[at] ?? { kind: 'unsent', why: 'not sent' }));
  return all as unknown as OutcomesOf<C>;
};

export const runScript = async <T>(
  link: Link,
  call: ScriptCall<T>,
  options: CallOptions = {},
  signal?: AbortSignal,
): Promise<CallOutcome<T>> => {
  const [outcome] = await runScripts(link, [call], options, signal);
  return outcome;
};

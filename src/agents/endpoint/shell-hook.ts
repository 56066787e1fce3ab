/**
 * Owns the command hook of agents that have no HTTP hooks: a few lines for /bin/sh, without node. It gives the payload to
 * the pod's socket by curl, else leaves it as a file, and always ends with 0 (E1): with what the pod answers, or nothing.
 *
 * E3. What the pod has taken, and what it was only too slow to answer, is not told twice: each run of the hook has a name.
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProgramCall } from '../../failopen/program.ts';
import { PROVIDER_KEYS } from '../../model/provider-keys.ts';
import { findProgram } from '../../pod/tree/find-program.ts';

/** As one word of a shell command line. */
export const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export interface ShellHookOptions {
  /** Where it is put. */
  readonly dir: string;
  readonly socket: string;
  readonly spool: string;
  /** How long the pod may take, in seconds. */
  readonly timeoutS: number;
  /** The same for single events, by their names: one before which a person is asked. */
  readonly timeoutsS?: Readonly<Record<string, number>>;
  /** What the agent wants to read where nothing is said; Gemini: `{}`. */
  readonly nothing?: string;
}

/** The longest wait of curl by the event, as words of the shell. */
const limitOf = ({ timeoutS, timeoutsS = {} }: ShellHookOptions): string => {
  const own = Object.entries(timeoutsS).map(([event, seconds]) => `${event}) limit=${seconds} ;; `);
  return own.length === 0 ? `limit=${timeoutS}` : `case "$1" in ${own.join('')}*) limit=${timeoutS} ;; esac`;
};

/** `-q`: a curl of the user's own settings may do anything. */
const curlOf = ({ socket }: ShellHookOptions): string =>
  `curl -q -s -f --noproxy '*' --max-time "$limit" --unix-socket ${shellWord(socket)} \\
  -H 'content-type: application/json' -H 'expect:' -H "x-nika-hook: $id" --data-binary @- \\
  "http://nika/hook/$1" 2>/dev/null <<NIKA_HOOK`;

/** Where nothing need be said curl prints the answer itself: a process less. */
const sendOf = (options: ShellHookOptions): string =>
  options.nothing === undefined
    ? `${curlOf(options)} && exit 0
$body
NIKA_HOOK`
    : `answer=$(${curlOf(options)}
$body
NIKA_HOOK
) && printf '%s' "\${answer:-${options.nothing}}" && exit 0`;

/** `$1`: the event. The payload comes on standard input. */
const scriptOf = (options: ShellHookOptions): string => `#!/bin/sh
# Tells the pod of a hook of its agent. Made by nika for this run alone. No program that it starts gets a provider's key.
unset ${PROVIDER_KEYS.join(' ')}
body=$(cat)
id=$$
read -r uptime rest 2>/dev/null </proc/uptime && id=$uptime-$$
${limitOf(options)}
${sendOf(options)}
umask 077
name=${shellWord(options.spool)}/$(date +%s%N)-$id
printf '%s' "$body" >"$name.part" 2>/dev/null && mv "$name.part" "$name.json" 2>/dev/null
printf '%s' '${options.nothing ?? ''}'
exit 0
`;

/** What keeps the hook from reaching the pod at once, in words (G9); `undefined`: nothing. */
export const shellHookLack = ({ cwd, env }: Pick<ProgramCall, 'cwd' | 'env'>): string | undefined =>
  findProgram({ file: 'curl', args: [], cwd, env }) === undefined
    ? 'there is no curl on the PATH: hooks reach the pod as files, up to a second late, so that no policy holds and no message is delivered at a tool call'
    : undefined;

/** The name of the run of the hook that left the file: `<time>-<name>`. */
export const hookOfFile = (file: string): string => file.replace(/^\d+-/, '');

/** Writes it; the path. @throws a system error */
export const writeShellHook = (options: ShellHookOptions): string => {
  const path = join(options.dir, 'hook.sh');
  writeFileSync(path, scriptOf(options), { mode: 0o700 });
  chmodSync(path, 0o700); // whatever the umask is
  return path;
};

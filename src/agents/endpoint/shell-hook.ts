/**
 * Owns the command hook of agents that have no HTTP hooks: a few lines for /bin/sh, without node. It gives the payload to
 * the pod's socket by curl, else leaves it as a file, and always ends with 0 (E1): with what the pod answers, or nothing.
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROVIDER_KEYS } from '../../model/provider-keys.ts';

/** As one word of a shell command line. */
export const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export interface ShellHookOptions {
  /** Where it is put. */
  readonly dir: string;
  readonly socket: string;
  readonly spool: string;
  /** How long the pod may take, in seconds. */
  readonly timeoutS: number;
  /** What the agent wants to read where nothing is said; Gemini: `{}`. */
  readonly nothing?: string;
  /** A variable that what the agent runs has and the agent has not: there the hook is of another agent, and tells nothing. */
  readonly unless?: string;
}

/** `$1`: the event; `$2`: how long the pod may take, where that is not as ever. The payload comes on standard input. */
const scriptOf = ({ socket, spool, timeoutS, nothing = '', unless }: ShellHookOptions): string => `#!/bin/sh
# Tells the pod of a hook of its agent. Made by nika for this run alone. No program that it starts gets a provider's key.
unset ${PROVIDER_KEYS.join(' ')}
body=$(cat)${
  unless === undefined
    ? ''
    : `
if [ -n "\${${unless}:-}" ]; then printf '%s' '${nothing}'; exit 0; fi`
}
if answer=$(printf '%s' "$body" | curl -s -f --noproxy '*' --max-time "\${2:-${timeoutS}}" --unix-socket ${shellWord(socket)} \\
  -H 'content-type: application/json' -H 'expect:' --data-binary @- "http://nika/hook/$1" 2>/dev/null); then
  [ -n "$answer" ] || answer='${nothing}'
  printf '%s' "$answer"
  exit 0
fi
name=${shellWord(spool)}/$(date +%s%N)-$$
umask 077
printf '%s' "$body" >"$name.part" 2>/dev/null && mv "$name.part" "$name.json" 2>/dev/null
printf '%s' '${nothing}'
exit 0
`;

/** Writes it; the path. @throws a system error */
export const writeShellHook = (options: ShellHookOptions): string => {
  const path = join(options.dir, 'hook.sh');
  writeFileSync(path, scriptOf(options), { mode: 0o700 });
  chmodSync(path, 0o700); // whatever the umask is
  return path;
};

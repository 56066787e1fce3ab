/**
 * Owns the command hook of agents that have no HTTP hooks: a few lines of shell, without node. It gives the payload to the
 * pod, else leaves it as a file, and always ends with 0 (E1): with what the pod answers, or nothing. A bash of today speaks
 * to the pod by itself, on loopback; any other shell by curl, on the socket: that is a process more at each hook.
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
  /** How long the pod may take, in seconds; a second argument of the hook says otherwise. */
  readonly timeoutS: number;
  /** What the agent wants to read where nothing is said; Gemini: `{}`. */
  readonly nothing?: string;
  /** A variable that what the agent runs has and the agent has not: there the hook is of another agent, and tells nothing. */
  readonly unless?: string;
  /** Where a bash may speak to the pod itself. */
  readonly loopback?: { readonly bash: string; readonly url: string; readonly token: string } | undefined;
}

const nothingOf = ({ nothing = '' }: ShellHookOptions): string => `printf '%s' ${shellWord(nothing)}; exit 0`;

/** No other program that it starts gets a provider's key. */
const headOf = (
  options: ShellHookOptions,
): string => `# Tells the pod of a hook of its agent. Made by nika for this run alone.
unset ${PROVIDER_KEYS.join(' ')}
limit=\${2:-${options.timeoutS}}
${options.unless === undefined ? '' : `[ -z "\${${options.unless}:-}" ] || { cat >/dev/null; ${nothingOf(options)}; }\n`}`;

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
    : `if answer=$(${curlOf(options)}
$body
NIKA_HOOK
); then
  [ -n "$answer" ] || answer=${shellWord(options.nothing)}
  printf '%s' "$answer"
  exit 0
fi`;

const tailOf = (options: ShellHookOptions): string => `umask 077
name=${shellWord(options.spool)}/$(date +%s%N)-$id
printf '%s' "$body" >"$name.part" 2>/dev/null && mv "$name.part" "$name.json" 2>/dev/null
${nothingOf(options)}
`;

const plainScript = (options: ShellHookOptions): string => `#!/bin/sh
${headOf(options)}body=$(cat)
id=$$
read -r uptime rest 2>/dev/null </proc/uptime && id=$uptime-$$
${sendOf(options)}
${tailOf(options)}`;

/**
 * `-p`: without what the user has set for every bash. A process of an older bash reads a pipe byte by byte: there cat does.
 * What was sent is not sent again by curl: the pod may have taken it.
 */
const bashScript = (options: ShellHookOptions, loopback: { bash: string; url: string; token: string }): string => {
  const { hostname, port } = new URL(loopback.url);
  return `#!${loopback.bash} -p
${headOf(options)}trap '' PIPE
LC_ALL=C
version=$((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1]))
if ((version >= 502)); then IFS= read -r -N 100000000 body; else body=$(cat); fi
id=\${EPOCHREALTIME:-$RANDOM}-$$
sent=
tell() {
  ((version >= 400)) && exec 3<>/dev/tcp/${hostname}/${port} || return
  sent=yes
  printf 'POST /hook/%s HTTP/1.1\\r\\nhost: nika\\r\\nauthorization: Bearer %s\\r\\nx-nika-hook: %s\\r\\nconnection: close\\r\\ncontent-type: application/json\\r\\ncontent-length: %s\\r\\n\\r\\n%s' \\
    "$1" ${shellWord(loopback.token)} "$id" "\${#body}" "$body" >&3 || return
  local status= length=0 header= answer=
  read -r -t "$limit" _ status _ <&3 || return
  [ "$status" = 204 ] && { ${nothingOf(options)}; }
  [ "$status" = 200 ] || return
  while IFS= read -r -t 1 header <&3 && [ "$header" != $'\\r' ]; do
    [[ \${header,,} =~ ^content-length:\\ *([0-9]+) ]] && length=\${BASH_REMATCH[1]}
  done
  IFS= read -r -t 1 -N "$length" answer <&3 || return
  printf '%s' "$answer"
  exit 0
}
tell "$1" 2>/dev/null
if [ -z "$sent" ]; then
${sendOf(options)}
fi
${tailOf(options)}`;
};

/** What keeps the hook from reaching the pod at once, in words (G9); `undefined`: nothing. */
export const shellHookLack = ({ cwd, env }: Pick<ProgramCall, 'cwd' | 'env'>): string | undefined =>
  ['bash', 'curl'].some((file) => findProgram({ file, args: [], cwd, env }) !== undefined)
    ? undefined
    : 'there is no bash and no curl on the PATH: hooks reach the pod as files, up to a second late, so that no policy holds and no message is delivered at a tool call';

/** The name of the run of the hook that left the file: `<time>-<name>`. */
export const hookOfFile = (file: string): string => file.replace(/^\d+-/, '');

/** Writes it; the path. `$1` of it: the event. @throws a system error */
export const writeShellHook = (options: ShellHookOptions): string => {
  const path = join(options.dir, 'hook.sh');
  const { loopback } = options;
  writeFileSync(path, loopback === undefined ? plainScript(options) : bashScript(options, loopback), { mode: 0o700 });
  chmodSync(path, 0o700); // whatever the umask is
  return path;
};

/** The bash to speak on loopback with; `undefined`: there is none, or no port. */
export const loopbackOf = (
  { url, token }: { readonly url: string; readonly token: string },
  { cwd, env }: Pick<ProgramCall, 'cwd' | 'env'>,
): ShellHookOptions['loopback'] => {
  const bash = url === '' ? undefined : findProgram({ file: 'bash', args: [], cwd, env });
  // What stands in the first line of a script can hold no blank.
  return bash === undefined || /\s/.test(bash) ? undefined : { bash, url, token };
};

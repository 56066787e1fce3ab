/**
 * Owns the hook that is installed in agents which nika does not start: a file of shell in the home. It tells the collector,
 * or leaves a file and starts one; it always ends with 0 and prints nothing.
 */
import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeFolder } from '../../failopen/make-folder.ts';
import type { Home } from '../../config/home.ts';
import { errorMessage, NikaError } from '../../model/error.ts';
import { PROVIDER_KEYS } from '../../model/provider-keys.ts';
import { HOOKED_AGENT } from '../agent-process.ts';
import { type CollectorPlace, collectorPlace } from '../collector/collector-place.ts';
import { shellWord } from '../endpoint/shell-hook.ts';

const workerFile = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../collector/collector-worker.ts' : './collector-worker.js',
    import.meta.url,
  ),
);

/** How long the collector may take, in seconds; it answers when the line is on the bus. */
const TIMEOUT_S = 1;

/** `-q`: a curl of the user's own settings may print, which agents take for words to the model. */
const scriptOf = ({ dir: homeDir }: Home, { socket, spool, starting }: CollectorPlace): string => `#!/bin/sh
# Tells nika of a hook of an agent that nika did not start. Written by "nika hooks install". $1: the agent.
unset ${PROVIDER_KEYS.join(' ')}
body=$(cat) # first of all: an agent that cannot give it all would tell its user of an error
[ "\${${HOOKED_AGENT}:-}" = "$1" ] && exit 0 # the pod that it runs in knows already
node=${shellWord(process.execPath)}
collector=${shellWord(workerFile)}
[ -x "$node" ] && [ -f "$collector" ] || exit 0 # nika is gone
printf '%s' "$body" | curl -q -s -f -o /dev/null --noproxy '*' --max-time ${TIMEOUT_S} --unix-socket ${shellWord(socket)} \\
  -H 'content-type: application/json' -H 'expect:' --data-binary @- "http://nika/hook/$1.$PPID" >/dev/null 2>&1 && exit 0
umask 077
mkdir -p ${shellWord(spool)} 2>/dev/null
name=${shellWord(spool)}/$(date +%s%N)-$1.$PPID
printf '%s' "$body" >"$name.part" 2>/dev/null && mv "$name.part" "$name.json" 2>/dev/null
[ -n "$(find ${shellWord(starting)} -prune -mmin +1 2>/dev/null)" ] && rmdir ${shellWord(starting)} 2>/dev/null
if mkdir ${shellWord(starting)} 2>/dev/null; then
  cd / && ("$node" "$collector" ${shellWord(homeDir)} </dev/null >/dev/null 2>&1 &)
fi
exit 0
`;

/** Writes it, whole or not at all; its path. @throws {NikaError} `NIKA_HOOKS_UNWRITABLE` */
export const writeHookScript = (home: Home): string => {
  const place = collectorPlace(home);
  try {
    return writeTo(place, home);
  } catch (thrown) {
    const why = `${place.script} cannot be written: ${errorMessage(thrown)}`;
    throw new NikaError('NIKA_HOOKS_UNWRITABLE', why, { subject: place.script });
  }
};

const writeTo = (place: CollectorPlace, home: Home): string => {
  makeFolder(place.dir, 0o700);
  const part = `${place.script}.${process.pid}.part`;
  writeFileSync(part, scriptOf(home, place), { mode: 0o700 });
  chmodSync(part, 0o700);
  renameSync(part, place.script);
  return place.script;
};

/** Of any home: how nika's own entries are known among others. */
export const SCRIPT_MARK = '/hooks/nika-hook.sh';

/** What an agent is told to run: nothing, and 0, where the script is gone. */
export const hookCommand = (script: string, agent: string): string =>
  `[ ! -x ${shellWord(script)} ] || ${shellWord(script)} ${agent}`;

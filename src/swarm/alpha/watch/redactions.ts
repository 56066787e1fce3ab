/** Owns that a redaction is finished which found Redis or Qdrant away, or was killed, without anybody's asking again. */
import { readRedactions } from '../../../bus/redact/redaction.ts';
import { tryLock } from '../../../bus/segments.ts';
import type { Chore } from '../duty.ts';

/** Compressed files may have to be written anew. */
const WITHIN_MS = 120_000;

/** What does not stand on the bus yet is left to people: there the bus itself could not be written. */
export const finishRedactions = (everyMs: number): Chore => ({
  name: 'redactions',
  role: 'home',
  everyMs,
  withinMs: WITHIN_MS,
  run: async ({ home, settings, env }, signal) => {
    const open = readRedactions(home.runDir).redactions.filter(({ announced }) => announced);
    if (open.length === 0) return;
    await using lock = await tryLock(home.busDir, 'redact');
    if (lock === undefined) return; // somebody is at it
    const [{ carryOut }, { copiesOf }] = await Promise.all([
      import('../../redact/carry-out.ts'),
      import('../../redact/copies-of.ts'),
    ]);
    const options = { home, settings, env, services: copiesOf(home, settings), signal };
    for (const redaction of open) await carryOut(redaction, options);
  },
});

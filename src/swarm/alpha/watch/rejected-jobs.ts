/** Owns that a job which was rejected in review is done again, also where whoever rejected it died before he started that. */
import { readCurrentRecords } from '../../../pod/registry/current-records.ts';
import { readRecords } from '../../../pod/registry/record-file.ts';
import type { Chore } from '../duty.ts';

/** A job may take a while to be started: its worktree is made first. */
const WITHIN_MS = 90_000;

export const finishRejectedJobs = (everyMs: number): Chore => {
  const seenTo = new Set<string>();
  return {
    name: 'rejected jobs',
    role: 'home',
    everyMs,
    withinMs: WITHIN_MS,
    run: async ({ home, settings, env }) => {
      const records = readRecords(home.runDir);
      const sessions = new Set<string>(records.map(({ session }) => session));
      for (const session of seenTo) if (!sessions.has(session)) seenTo.delete(session); // G6
      const mayBe = records.some(
        ({ session, end }) =>
          end?.status === 'awaiting_review' || (end?.outcome === 'rejected' && !seenTo.has(session)),
      );
      if (!mayBe) return;
      const [{ finishRejected }, { resolveReviewer }] = await Promise.all([
        import('../../review/finish-rejected.ts'),
        import('../../review/reviewer.ts'),
      ]);
      await readCurrentRecords({ home, settings }); // they say by then what was decided
      await finishRejected({ home, settings, env, reviewer: resolveReviewer(home, env) }, { seenTo });
    },
  };
};

/** Owns the watch over deadlines: a dispatched job that is not over at its deadline is told once, `job_overdue`. */
import { isTerminal } from '../../../model/entity.ts';
import type { Chore } from '../duty.ts';
import { sayOf } from './say-of.ts';
import { tellPeople } from './tell-people.ts';
import { formatDurationShort } from './words.ts';

export const watchOverdue = (everyMs: number): Chore => ({
  name: 'overdue jobs',
  role: 'monitor',
  everyMs,
  run: async (context) => {
    for (const entity of context.view.entities()) {
      const deadline = entity.dispatch?.wish.deadline;
      if (deadline === undefined || entity.isOverdueTold || isTerminal(entity.state)) continue;
      const lateMs = Date.now() - Date.parse(deadline);
      if (!(lateMs > 0) || !(await context.mayAct())) continue;
      entity.isOverdueTold = true;
      const detail = `its deadline was ${deadline}, ${formatDurationShort(lateMs)} ago; it is ${entity.state ?? 'unknown'}`;
      const subject = { entity: entity.id, session: undefined, meta: entity.meta };
      sayOf(context, subject, { condition: 'job_overdue', detail });
      await tellPeople(context, { on: 'overdue', subject, detail, id: `${entity.id}_overdue` });
    }
  },
});

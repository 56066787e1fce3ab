/** Owns how much work an agent may give to others: how deep below the pod of a person, and how much at a time (G6). */
import { readEntity } from '../bus/query/entities.ts';
import { isTerminal } from '../model/entity.ts';
import { parseEntityId } from '../model/id.ts';
import { listDispatched, readDispatched } from '../swarm/dispatch/dispatch-files.ts';
import type { Caller } from './caller.ts';
import { readLineage } from '../pod/read-lineage.ts';
import { ownLiving, type Place, podCount } from './place.ts';
import { type Answer, refused } from './tool.ts';

/** Jobs that the agent dispatched and that are not over, as far as this home knows. */
const ownDispatched = async ({ home, self }: Place, { started }: Caller): Promise<readonly string[]> => {
  const own: string[] = [];
  for (const folder of ['outbox', 'dispatched'] as const) {
    for (const entity of listDispatched(home.runDir, folder)) {
      const job = readDispatched(home.runDir, folder, entity);
      if (job === undefined || !(started.has(job.entity) || (self !== undefined && job.parent === self))) continue;
      const view = await readEntity(home.busDir, parseEntityId(entity)).catch(() => undefined);
      if (!isTerminal(view?.state)) own.push(entity);
    }
  }
  return own;
};

/** `undefined`: it may give one more. `tool`: by which it wants to. */
export const limitReached = async (place: Place, caller: Caller): Promise<Answer | undefined> => {
  const { maxDepth, maxChildren } = place.settings.mcp;
  const depth = place.self === undefined ? 0 : podCount(await readLineage(place.home.busDir, place.self));
  if (place.self !== undefined && depth > maxDepth) {
    const why = `${place.self} is ${depth - 1} deep below the pod that a person started; it may start no pods (mcp.maxDepth: ${maxDepth})`;
    return refused(why, 'Do the work yourself, or tell in your result what is left to do.');
  }
  const living = ownLiving(place, caller).map(({ entity }) => entity as string);
  const waiting = (await ownDispatched(place, caller)).filter((entity) => !living.includes(entity));
  const all = [...living, ...waiting];
  if (all.length < maxChildren) return undefined;
  const ids = all.slice(0, 5);
  const what = waiting.length === 0 ? 'run' : `run or wait (${waiting.length} in the queue)`;
  const why = `${all.length} pods that you started ${what}, and no more may (mcp.maxChildren: ${maxChildren})`;
  return refused(
    why,
    ids.length === 0 ? 'Do the work yourself.' : `Wait for one of them, or stop one: ${ids.join(', ')}.`,
  );
};

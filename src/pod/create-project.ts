/** Owns the beginning of a project: its first job creates it, by exclusive creation of its channel (design, section 4). */
import type { EntityId } from '../model/id.ts';
import type { PodPlan } from './plan.ts';
import type { Session } from './session.ts';

/** The parent of the job: its project, which is there afterwards, or the one it was given. */
export const createProject = (session: Session, { mission, parent, lineage }: PodPlan): EntityId | undefined => {
  const { project } = mission;
  if (project === undefined || parent !== project) return parent;
  if (session.bus.createChannel(project) === 'created') {
    const own = { ...lineage, root_id: project };
    session.entity(project, undefined, own).transition('created', 'entity_created', { name: project });
  }
  return project;
};

/** Owns the subagents of an agent: each is a SUB, whose lines stand in the channel of the job (design, sections 4 and 5). */
import { toldMemory } from '../../config/memory/told-memory.ts';
import { createEntityId } from '../../model/id.ts';
import { PodEntity } from '../entity.ts';
import type { Session } from '../session.ts';
import { oneLine } from '../tools/tool.ts';

export interface AgentSub {
  /** The agent's own id. */
  readonly id: string;
  readonly type?: string | undefined;
  /** What it is to do, in a line. */
  readonly what?: string | undefined;
  /** The agent's own id of the subagent that started it. */
  readonly parent?: string | undefined;
}

export type SubOutcome = 'completed' | 'failed' | 'cancelled';

/** More are a mistake (G6): what they do is told of the job. */
const MAX_SUBS = 10_000;

export class AgentSubs {
  readonly #session: Session;
  readonly #job: PodEntity;
  readonly #subs = new Map<string, { readonly entity: PodEntity; readonly name: string }>();

  constructor({ session, job }: { readonly session: Session; readonly job: PodEntity }) {
    this.#session = session;
    this.#job = job;
  }

  start({ id, type = 'subagent', what, parent }: AgentSub): void {
    if (this.#subs.has(id) || this.#subs.size >= MAX_SUBS) return;
    const above = parent === id ? this.#job : this.entityOf(parent);
    const meta = { ...above.meta, entity_id: createEntityId('SUB'), entity_type: 'SUB', parent_id: above.id } as const;
    const entity = new PodEntity(meta, this.#session.recorder, undefined, above.channel);
    this.#subs.set(id, { entity, name: type });
    const told = what === undefined ? {} : { description: oneLine(what) };
    entity.transition('created', 'entity_created', { name: type, ...told });
    entity.transition('in_progress', 'entity_started', {});
    this.#session.tell({ event: 'task_started', task: type, id: entity.id, state: 'in_progress' });
  }

  /** `summary`: its last message. Nothing where it does not run. */
  end(id: string, outcome: SubOutcome, summary?: string): void {
    const sub = this.#subs.get(id);
    if (sub === undefined || sub.entity.isOver) return;
    const { entity, name } = sub;
    const said = summary === undefined ? {} : { summary: oneLine(summary) };
    if (outcome === 'completed') {
      const result = summary === undefined ? {} : { result: summary };
      entity.transition('completed', 'job_completed', { ...said, ...result });
    } else if (outcome === 'failed') {
      entity.transition('failed', 'job_failed', { ...said, error: summary ?? 'it failed' });
    } else entity.transition('cancelled', 'job_cancelled', said);
    const memory = toldMemory(this.#session.settings);
    this.#job.record('subagent_completed', { sub_id: entity.id, ...said, memory });
    this.#session.tell({ event: 'task_ended', task: name, id: entity.id, state: outcome });
  }

  /** Of the job where `id` is missing. A subagent that nobody told of begins here. */
  entityOf(id: string | undefined): PodEntity {
    if (id === undefined) return this.#job;
    if (!this.#subs.has(id)) this.start({ id });
    return this.#subs.get(id)?.entity ?? this.#job;
  }

  /** Ends those that still run. */
  close(): void {
    for (const id of this.#subs.keys()) this.end(id, 'cancelled');
  }
}

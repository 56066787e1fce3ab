/** Owns an entity while this pod works on it: its state, its revision, and the line of each transition. */
import {
  type EntityState,
  isSignificant,
  isTerminal,
  resolveTransition,
  type TransitionType,
} from '../model/entity.ts';
import { type NikaMeta, nikaMetaSchema } from '../model/envelope.ts';
import type { EntityId } from '../model/id.ts';
import type { MessageData, MessageType } from '../model/message.ts';
import type { FinishedToolUse } from '../model/tool-event.ts';
import type { Recorder, Scope, ToolCallOrigin } from '../recorder/recorder.ts';

type TransitionFields<T extends TransitionType> = Omit<MessageData<T>, 'from' | 'to' | 'rev'>;

/** How an entity stands that an earlier session began. */
export interface EntityStanding {
  readonly state: EntityState;
  readonly rev: number;
}

export class PodEntity {
  readonly meta: NikaMeta;
  readonly #scope: Scope;
  readonly #recorder: Recorder;
  #state: EntityState | undefined;
  #rev: number;

  /** @throws {z.ZodError} a bug: the envelope does not fit its schema. */
  constructor(meta: NikaMeta, recorder: Recorder, known?: EntityStanding, channel?: EntityId) {
    this.#state = known?.state;
    this.#rev = known?.rev ?? 0;
    this.meta = nikaMetaSchema.parse(meta);
    const scope = { entity: this.meta.entity_id, metaJson: JSON.stringify(this.meta) };
    this.#scope = channel === undefined ? scope : { ...scope, channel };
    this.#recorder = recorder;
  }

  get id(): EntityId {
    return this.meta.entity_id;
  }

  /** Whose channel its lines stand in: a SUB's in that of its TASK or JOB (design, section 5). */
  get channel(): EntityId {
    return this.#scope.channel ?? this.meta.entity_id;
  }

  get state(): EntityState | undefined {
    return this.#state;
  }

  get rev(): number {
    return this.#rev;
  }

  get isOver(): boolean {
    return isTerminal(this.#state);
  }

  /**
   * Goes to the next state and writes the line that says so.
   * @throws {NikaError} `NIKA_MODEL_BAD_TRANSITION`; nothing was written.
   */
  transition<T extends TransitionType>(to: EntityState, type: T, fields: TransitionFields<T>): void {
    const from = this.#state;
    const transition = resolveTransition(from, to);
    const { busType } = transition;
    if (busType !== type) throw new TypeError(`a transition to ${to} is told by ${busType}, not ${type}`);
    this.#state = to;
    this.#rev += 1;
    this.#recorder.record<MessageType>(this.#scope, type, { from: from ?? null, to, rev: this.#rev, ...fields });
    if (isSignificant(transition, this.meta.root_id === this.id)) this.#recorder.settleSoon(); // G2
  }

  /** A review that ends the entity: what was decided, before the line of the end. */
  recordDecision(fields: TransitionFields<'review_decision'>): void {
    const { state } = this;
    if (state !== 'awaiting_review') throw new TypeError(`${this.id} does not await review: ${state}`);
    const unchanged = { from: state, to: state, rev: this.#rev };
    this.#recorder.record<MessageType>(this.#scope, 'review_decision', { ...unchanged, ...fields });
  }

  record<T extends Exclude<MessageType, TransitionType>>(type: T, data: MessageData<T>): void {
    this.#recorder.record(this.#scope, type, data);
  }

  recordToolCall(event: FinishedToolUse, origin: ToolCallOrigin): void {
    this.#recorder.recordToolCall(this.#scope, event, origin);
  }
}

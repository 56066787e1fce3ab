/** Owns an entity while this pod works on it: its state, its revision, and the line of each transition. */
import { type EntityState, isTerminal, resolveTransition, type TransitionType } from '../model/entity.ts';
import { type NikaMeta, nikaMetaSchema } from '../model/envelope.ts';
import type { EntityId } from '../model/id.ts';
import type { MessageData, MessageType } from '../model/message.ts';
import type { PostToolUse, PostToolUseFailure } from '../model/tool-event.ts';
import type { Recorder, Scope, ToolCallOrigin } from '../recorder/recorder.ts';

type TransitionFields<T extends TransitionType> = Omit<MessageData<T>, 'from' | 'to' | 'rev'>;

export class PodEntity {
  readonly meta: NikaMeta;
  readonly #scope: Scope;
  readonly #recorder: Recorder;
  #state: EntityState | undefined;
  #rev = 0;

  /** @throws {z.ZodError} a bug: the envelope does not fit its schema. */
  constructor(meta: NikaMeta, recorder: Recorder) {
    this.meta = nikaMetaSchema.parse(meta);
    this.#scope = { entity: this.meta.entity_id, metaJson: JSON.stringify(this.meta) };
    this.#recorder = recorder;
  }

  get id(): EntityId {
    return this.meta.entity_id;
  }

  get state(): EntityState | undefined {
    return this.#state;
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
    const { busType } = resolveTransition(from, to);
    if (busType !== type) throw new TypeError(`a transition to ${to} is told by ${busType}, not ${type}`);
    this.#state = to;
    this.#rev += 1;
    this.#recorder.record<MessageType>(this.#scope, type, { from: from ?? null, to, rev: this.#rev, ...fields });
  }

  record<T extends Exclude<MessageType, TransitionType>>(type: T, data: MessageData<T>): void {
    this.#recorder.record(this.#scope, type, data);
  }

  recordToolCall(event: PostToolUse | PostToolUseFailure, origin: ToolCallOrigin): void {
    this.#recorder.recordToolCall(this.#scope, event, origin);
  }
}

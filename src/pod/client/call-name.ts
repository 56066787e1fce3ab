/** Owns what a program says of the call that it is about to make. */
export interface CallName {
  readonly tool: string;
  /** A task of the pod that the call belongs to. */
  readonly task?: string | undefined;
  /** One line for people, at most 200 characters. */
  readonly what?: string | undefined;
}

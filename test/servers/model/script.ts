/** Owns the words of a script that the model of a test plays, whatever API the agent speaks. */

/** A tool call; the names of the tool and of its input are the agent's own. */
export interface ScriptedCall {
  readonly tool: string;
  /**
   * A string: the text of a freeform tool ({@link isFreeform}), else arguments as they are, so that they may be no JSON
   * at all. A function is given what the calls before it answered, the oldest first: ids that the agent made stand there.
   */
  readonly input: ScriptedInput | ((results: readonly string[]) => ScriptedInput);
  /** Of the Responses API: a custom tool, whose input is text. */
  readonly isFreeform?: boolean;
  /** Of the Responses API: where the tool is in a group. */
  readonly namespace?: string;
}

export type ScriptedInput = Readonly<Record<string, unknown>> | string;

/** What goes wrong before the step is played. */
export type ModelFault =
  /** An HTTP error, so many times (once). */
  | {
      readonly kind: 'status';
      readonly status: 400 | 401 | 404 | 429 | 500 | 503 | 529;
      readonly times?: number;
      /** Of the header `retry-after`. */
      readonly retryAfterS?: number;
    }
  /** The answer begins, then an error comes in its place, so many times (once). */
  | { readonly kind: 'error-event'; readonly times?: number }
  /** The connection ends in the middle of the answer, so many times (once). */
  | { readonly kind: 'cut'; readonly times?: number }
  /** The answer begins that much later. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** Taken, and never answered. */
  | { readonly kind: 'hang' };

export interface ScriptedUsage {
  /** Without those from a cache. */
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
}

/** One answer of the model: text, calls, or both. */
export interface Step {
  readonly text?: string;
  /** More than one: they are to run in parallel. */
  readonly calls?: readonly ScriptedCall[];
  readonly usage?: ScriptedUsage;
  readonly fault?: ModelFault;
}

export const MAIN_LANE = 'main';

/**
 * Steps by lane. A conversation is of the lane whose name occurs in what it was opened with, such as the prompt of a
 * subagent, else of `main`. It plays the step that comes after as many answers as it holds already, so that a request that is sent
 * again is answered alike. Past its end a lane says {@link LAST_WORDS}.
 */
export type Script = Readonly<{ [MAIN_LANE]: readonly Step[] } & Record<string, readonly Step[]>>;

export const LAST_WORDS = 'All done.';

/** What a step that names none is said to have used. */
export const USAGE: Required<ScriptedUsage> = { input: 100, output: 20, cacheRead: 0 };

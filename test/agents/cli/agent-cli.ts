/** Owns what the tests know of an agent's CLI: which version it is, and how it speaks to the scripted model, offline. */
import { type Fields, parseFields } from '../../../src/agents/read-fields.ts';
import type { AgentKind } from '../../../src/model/agent.ts';
import type { ScriptedCall, Step } from '../../servers/model/script.ts';

/** Folders of a test in which an agent may do what it likes. */
export interface AgentPlace {
  /** The agent's HOME. */
  readonly home: string;
  /** Of the scripted model, without a path. */
  readonly modelUrl: string;
}

/** How a test says to this agent's model what it is to do; paths are absolute. */
export interface AgentWords {
  readonly shell: (command: string) => ScriptedCall;
  /** Makes a file. */
  readonly write: (path: string, text: string) => ScriptedCall;
  /** Changes a file that it made before: the text occurs in it once, as a whole line. */
  readonly edit: (path: string, before: string, after: string) => ScriptedCall;
  /** A tool that it has, on a file that is not there: the tool itself fails. */
  readonly miss: (path: string) => ScriptedCall;
  /** A tool that it does not have. */
  readonly unknown: ScriptedCall;
  /** A tool that it has, with input that the tool does not take. */
  readonly invalid: ScriptedCall;
  /** Starts a subagent, and waits for its end where that is another call. */
  readonly delegate: (prompt: string) => readonly Step[];
  /** How a subagent ends, and what it came to. */
  readonly conclude: (text: string) => Step;
}

/** Lines of JSON; what else stands there is left out. */
export const linesOf = (stdout: string): readonly Fields[] =>
  stdout.split('\n').flatMap((text) => {
    const line = parseFields(text);
    return line === undefined ? [] : [line];
  });

export interface AgentCli {
  readonly kind: AgentKind;
  /** On the npm registry. */
  readonly package: string;
  readonly version: string;
  readonly program: string;
  /** For npm, besides what every one is installed with. */
  readonly installOptions: readonly string[];
  /** Writes what the user of that home would have in it; the environment that the CLI needs besides HOME and PATH. */
  readonly settle: (place: AgentPlace) => Readonly<Record<string, string>>;
  readonly words: AgentWords;
  /** How it runs a prompt by itself, without nika. */
  readonly argv: (prompt: string) => readonly string[];
  /** The text of its last answer, in what it prints then. */
  readonly answerIn: (stdout: string) => string;
}

/** Owns the comparison of the tool calls that stand on the bus with those that the model played. */
import { isDeepStrictEqual } from 'node:util';
import type { BusLine } from '../../src/bus/line.ts';
import type { PlayedCall } from '../servers/model/player.ts';
import type { AgentHome } from './agent-home.ts';

/** A tool call as the bus has it. */
export interface BusCall {
  readonly tool: string;
  readonly input: unknown;
  readonly ok: boolean;
  /** Of the program that it ran, where the agent tells. */
  readonly exit: number | undefined;
  readonly interrupted: boolean;
  readonly source: string;
  /** The subagent that made it, by its type; `undefined`: the agent itself. */
  readonly sub: string | undefined;
}

/** How a call that was played should stand there; what is not named is as in {@link DONE}. */
export type CallEnd = Partial<Omit<BusCall, 'input'>>;

const DONE = { ok: true, exit: undefined, interrupted: false, source: 'hook', sub: undefined } as const;

/** What the agent tells of a call that its model made: its hooks can have other names for it. */
export type TellCall = (call: PlayedCall) => { readonly tool: string; readonly input: unknown };

const subOf = (lines: readonly BusLine[], { meta }: BusLine): string | undefined => {
  if (meta['entity_type'] !== 'SUB') return undefined;
  const isItsStart = (line: BusLine): boolean =>
    line.type === 'entity_created' && line.meta['entity_id'] === meta['entity_id'];
  return String(lines.find(isItsStart)?.data['name']);
};

/** Some agents put the name of the tool before the id that the model gave. */
const isOf = (line: BusLine, { id }: PlayedCall): boolean => {
  const own = String(line.data['tool_use_id']);
  return own === id || own.endsWith(`__${id}`);
};

const isLike = (line: BusLine, { tool, input }: PlayedCall): boolean =>
  line.data['tool_name'] === tool && isDeepStrictEqual(line.data['tool_input'], input);

const busCall = (lines: readonly BusLine[], line: BusLine): BusCall => ({
  tool: String(line.data['tool_name']),
  input: line.data['tool_input'],
  ok: line.data['ok'] === true,
  exit: typeof line.data['exit_code'] === 'number' ? line.data['exit_code'] : undefined,
  interrupted: line.data['is_interrupt'] === true,
  source: String(line.data['source']),
  sub: subOf(lines, line),
});

/** All calls on the bus: in the order in which the model made them, and then those that it did not make. */
export const callsOf = (home: AgentHome): readonly BusCall[] => {
  const lines = home.channel;
  const told = lines.filter(({ type }) => type === 'tool_call');
  const { calls } = home.model;
  // Of a subagent some agents tell no ids: there the tool and its input say which call it is.
  const nameless = calls.filter((call) => !told.some((line) => isOf(line, call)));
  const places = told.map((line) => {
    const own = calls.find((call) => isOf(line, call));
    const like = own ?? nameless.find((call) => isLike(line, call));
    if (own === undefined && like !== undefined) nameless.splice(nameless.indexOf(like), 1);
    return like === undefined ? calls.length : calls.indexOf(like);
  });
  const placeOf = (line: BusLine): number => places[told.indexOf(line)] ?? calls.length;
  return told.toSorted((a, b) => placeOf(a) - placeOf(b)).map((line) => busCall(lines, line));
};

/**
 * What should stand there: the played calls in their order, each with its end. `untold`: the agent tells nobody of it.
 * @throws there are not as many ends as calls
 */
export const wantedCalls = (
  home: AgentHome,
  tell: TellCall,
  ends: readonly (CallEnd | 'untold')[],
): readonly BusCall[] => {
  const { calls } = home.model;
  if (calls.length !== ends.length) {
    throw new Error(
      `${ends.length} calls were wanted, ${calls.length} were played: ${calls.map(({ id }) => id).join()}`,
    );
  }
  return calls.flatMap((call, at) => {
    const end = ends[at];
    return end === undefined || end === 'untold' ? [] : [{ ...DONE, ...tell(call), ...end }];
  });
};

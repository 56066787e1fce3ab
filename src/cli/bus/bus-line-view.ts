/** Owns how one line of the bus is told to people: its gist, in few words, safe for a terminal. */
import { type BusLine, redactionOf } from '../../bus/line.ts';
import { clip, formatBytes, formatDuration } from '../format.ts';
import { cell } from '../table.ts';
import { droppedText } from '../words/dropped.ts';
import { outcomeText, stateText } from '../words/outcome.ts';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const MAX_CHARS = 2_000;

/** Any text as one line without what would steer the terminal. */
export const oneLine = (text: string): string => cell(text.slice(0, MAX_CHARS));

/** A body in one line: text as it is, a blob reference as its head and size, all else as JSON. */
export const bodyText = (value: unknown): string => {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return oneLine(value);
  if (isFields(value) && typeof value['$blob'] === 'string' && typeof value['head'] === 'string') {
    const size = typeof value['bytes'] === 'number' ? ` (${formatBytes(value['bytes'])})` : '';
    return `${oneLine(value['head'])}…${size}`;
  }
  return oneLine(JSON.stringify(value) ?? '');
};

/** What a call is about stands under one of these names, in nika's own tools and in those of the agents. */
const TELLING_KEYS = [
  'command',
  'cmd',
  'argv',
  'file_path',
  'path',
  'url',
  'pattern',
  'glob',
  'query',
  'skill',
  'description',
  'prompt',
  'text',
] as const;

/** What a tool call is about, from its input. */
export const inputGist = (input: unknown): string => {
  if (!isFields(input)) return bodyText(input);
  for (const key of TELLING_KEYS) {
    const value = input[key];
    if (typeof value === 'string' && value !== '') return oneLine(value);
    if (Array.isArray(value) && value.length > 0) return oneLine(value.map(String).join(' '));
  }
  return bodyText(input);
};

const text = (fields: Fields, key: string): string => {
  const value = fields[key];
  return typeof value === 'string' ? oneLine(value) : '';
};

/** What ought to be a word or a number; `?` where it is not. */
const word = (value: unknown, say = (text: string): string => text.replaceAll('_', ' ')): string =>
  typeof value === 'string' || typeof value === 'number' ? say(oneLine(String(value))) : '?';

const duration = (fields: Fields, key = 'duration_ms'): string => {
  const value = fields[key];
  return typeof value === 'number' ? formatDuration(value) : '';
};

const plural = (count: unknown, one: string, many = `${one}s`): string =>
  typeof count === 'number' ? `${count} ${count === 1 ? one : many}` : '';

const worktreeGist = (worktree: Fields): string =>
  `${plural(worktree['files'], 'file', 'files')} changed on ${text(worktree, 'branch')}${worktree['kept'] === true ? '' : ' (removed)'}`;

const joined = (parts: readonly string[], between = ', '): string => parts.filter((part) => part !== '').join(between);

/** `failed: why`, where there is a why. */
const because = (what: string, why: string): string => (why === '' ? what : `${what}: ${why}`);

const outageGist = (data: Fields): string => {
  const lastedMs = Date.parse(text(data, 'until')) - Date.parse(text(data, 'since'));
  const lasted = Number.isFinite(lastedMs) ? formatDuration(lastedMs) : '';
  const counts = ['buffered', 'replayed', 'dropped'].map((key) => `${key} ${word(data[key])}`);
  return joined([because(text(data, 'service'), joined([lasted, text(data, 'cause')], ' ')), ...counts]);
};

const transitionGist = (data: Fields): string => {
  const why = text(data, 'error') || text(data, 'reason') || text(data, 'summary') || bodyText(data['result']);
  const name = text(data, 'name');
  const outcome = /^interrupted\b/.test(text(data, 'reason')) ? 'interrupted' : text(data, 'code');
  const state = word(data['to'], (to) => stateText(to, outcome));
  return because(joined([state, name], ' '), why);
};

/** What a call does: in the words of the job, else from its input. */
export const callGist = (data: Fields): string =>
  redactionOf({ data }) === undefined ? text(data, 'title') || inputGist(data['tool_input']) : redactedText('', data);

/** `[redacted] Bash: a token got through`: what is left of a line, and why. */
const redactedText = (left: string, data: Fields): string => {
  const { redaction } = data;
  return because(joined(['[redacted]', left], ' '), isFields(redaction) ? text(redaction, 'reason') : '');
};

const GISTS: Readonly<Record<string, (data: Fields) => string>> = {
  tool_call: (data) => {
    const why = data['ok'] === false ? text(data, 'error') : '';
    return joined([because(joined([text(data, 'tool_name'), callGist(data)], ' '), why), duration(data)]);
  },
  session_start: (data) => joined([text(data, 'kind'), text(data, 'cwd')], ' in '),
  session_end_summary: (data) =>
    joined([
      word(data['outcome'], outcomeText),
      `exit ${word(data['exit_code'])}`,
      duration(data),
      plural(data['calls'], 'call'),
      plural(data['errors'], 'error'),
      isFields(data['worktree']) ? worktreeGist(data['worktree']) : '',
      isFields(data['dropped']) ? oneLine(droppedText(data['dropped'])) : '',
    ]),
  attempt_failed: (data) =>
    joined([text(data, 'error'), plural(data['attempts_left'], 'attempt left', 'attempts left')]),
  agent_session: (data) => {
    const named = joined([text(data, 'agent'), text(data, 'version')], ' ');
    const resumed = data['resumed'] === true ? 'resumed ' : '';
    return joined([named, text(data, 'model'), `${resumed}session ${text(data, 'agent_session_id')}`]);
  },
  agent_turn: (data) => {
    const went = because(text(data, 'outcome'), text(data, 'error') || bodyText(data['answer']));
    return joined([bodyText(data['prompt']), joined([went, duration(data)])], ' → ');
  },
  usage: (data) => {
    const { input_tokens: input, output_tokens: output, cache_read_tokens: cached, cost_usd: cost } = data;
    const money = typeof cost === 'number' ? `$${cost.toFixed(4)}` : '';
    const tokens = joined([`${word(input)} in`, cached === 0 ? '' : `${word(cached)} cached`, `${word(output)} out`]);
    return joined([text(data, 'model'), tokens, money]);
  },
  message_delivered: (data) => because(`with the next ${text(data, 'how')}`, bodyText(data['body'])),
  subagent_completed: (data) => because(text(data, 'sub_id'), text(data, 'summary')),
  autonomous_dispatch: (data) => because(text(data, 'job'), text(data, 'reason')),
  signal: (data) => {
    const { body } = data;
    return because(
      text(data, 'kind'),
      isFields(body) && typeof body['text'] === 'string' ? text(body, 'text') : bodyText(body),
    );
  },
  condition: (data) =>
    because(joined([text(data, 'condition'), text(data, 'reason').replace('_', ' ')], ' '), text(data, 'detail')),
  outage: outageGist,
  redaction: (data) => {
    const lines = Array.isArray(data['lines']) ? plural(data['lines'].length, 'line') : '';
    return because(joined([lines, `by ${text(data, 'by')}`], ' '), text(data, 'reason'));
  },
  note: (data) => text(data, 'text'),
  entity_created: transitionGist,
  entity_started: transitionGist,
  review_request: transitionGist,
  review_decision: (data) => {
    const by = text(data, 'by');
    return because(joined([word(data['decision']), by === '' ? '' : `by ${by}`], ' '), text(data, 'reason'));
  },
  job_completed: transitionGist,
  job_failed: transitionGist,
  job_cancelled: transitionGist,
};

/** What the line says, in one line of text without colours. Types that are not known show their data. */
export const gistOf = ({ type, data }: BusLine): string =>
  redactionOf({ data }) === undefined
    ? wholeGist(type, data)
    : redactedText(text(data, 'tool_name') || text(data, 'to') || text(data, 'outcome'), data);

const wholeGist = (type: string, data: Fields): string =>
  Object.hasOwn(GISTS, type) ? (GISTS[type]?.(data) ?? '') : bodyText(data);

const GENERATED = /^[A-Z]+-\d{8}-([a-z0-9]{8})$/;

/** What a person types to name it: the random part of a generated id, or what follows the type. */
export const shortId = (id: string): string => GENERATED.exec(id)?.[1] ?? id.slice(id.indexOf('-') + 1);

/** `JOB k3f9xq2m` */
export const shortEntity = (id: string): string => oneLine(`${id.slice(0, id.indexOf('-'))} ${shortId(id)}`);

const ENTITY_COLUMNS = 14;
const TYPE_COLUMNS = 19;
const WIDE_COLUMNS = 120;
const NARROW_COLUMNS = 64;

/** Types of which the gist alone does not tell what they are. */
const NEEDS_TYPE: readonly string[] = ['redaction', 'note', 'signal', 'condition', 'outage', 'attempt_failed'];

/** `11:27:03 k3f9xq2m shell git log, 120 ms`: time, entity, and as much of what counts as there is room for. */
const narrowRow = (line: BusLine): string => {
  const isKnown = Object.hasOwn(GISTS, line.type);
  const type = !isKnown || NEEDS_TYPE.includes(line.type) ? `${oneLine(line.type)}: ` : '';
  const mark = line.type === 'tool_call' && line.data['ok'] === false ? '✗ ' : '';
  return `${oneLine(line.ts.slice(11, 19))} ${oneLine(shortId(line.entity)).slice(-8)} ${mark}${type}${gistOf(line)}`;
};

/**
 * `2026-11-20T11:27:03.123Z  JOB k3f9xq2m    tool_call            shell git log, 120 ms`, at most so many columns;
 * on a narrower terminal `11-20 11:27:03  JOB k3f9xq2m    tool_call  shell git log, 120 ms`, or still less.
 */
export const lineRow = (line: BusLine, columns: number): string => {
  if (columns < NARROW_COLUMNS) return clip(narrowRow(line).trimEnd(), columns);
  const isWide = columns >= WIDE_COLUMNS;
  const entity = clip(shortEntity(line.entity), 30).padEnd(ENTITY_COLUMNS);
  const time = isWide ? oneLine(line.ts) : oneLine(line.ts.slice(5, 19)).replace('T', ' ');
  const type = oneLine(line.type).padEnd(isWide ? TYPE_COLUMNS : 0);
  return clip(`${time}  ${entity}  ${type}  ${gistOf(line)}`.trimEnd(), columns);
};

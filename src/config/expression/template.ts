/**
 * Owns texts with `${{ … }}` in them: their parts, and what they come to.
 *
 * M1. A text that is one `${{ … }}` and nothing else keeps the value's type; in all others values become text.
 * M2. What a value holds is never read again: neither as a template, nor, in a command line, by the shell.
 */
import { NikaError } from '../../model/error.ts';
import { evaluate, isTrue, type JobStatus, jsonOf, type Scope, statusCallIn } from './evaluate.ts';
import {
  type Expression,
  type ExpressionOutcome,
  type ExpressionProblem,
  parseExpression,
  parseExpressionAt,
} from './expression.ts';
import { shellQuote, shellRefusals } from './shell-quote.ts';
import type { ToolName } from '../job/tool-inputs.ts';

export const TEMPLATE_OPEN = '${{';
const TEMPLATE_CLOSE = '}}';

/** Text with `${{ … }}` in it: what it comes to is known when the job runs. */
export const isTemplate = (value: unknown): value is string =>
  typeof value === 'string' && value.includes(TEMPLATE_OPEN);

/** What the names in a template stand for. */
export type TemplateScope = Scope;

export interface Hole {
  readonly expression: Expression;
  /** Offset of its `${{` in the text, from 0. */
  readonly at: number;
}

/** One more text than holes: text, hole, text, hole, text. */
export interface Template {
  readonly texts: readonly string[];
  readonly holes: readonly Hole[];
}

export type TemplateOutcome =
  | { readonly ok: true; readonly template: Template }
  | { readonly ok: false; readonly problem: ExpressionProblem };

/** Never throws. */
export const parseTemplate = (text: string): TemplateOutcome => {
  const texts: string[] = [];
  const holes: Hole[] = [];
  let from = 0;
  for (let at = text.indexOf(TEMPLATE_OPEN); at !== -1; at = text.indexOf(TEMPLATE_OPEN, from)) {
    const outcome = parseExpressionAt(text, at + TEMPLATE_OPEN.length);
    if (!outcome.ok) return outcome;
    if (!text.startsWith(TEMPLATE_CLOSE, outcome.end)) {
      const rest = text.slice(outcome.end, outcome.end + 20);
      const seen = rest === '' ? 'the end' : JSON.stringify(rest);
      return { ok: false, problem: { message: `expected an operator or "}}", not ${seen}`, at: outcome.end } };
    }
    texts.push(text.slice(from, at));
    holes.push({ expression: outcome.expression, at });
    from = outcome.end + TEMPLATE_CLOSE.length;
  }
  texts.push(text.slice(from));
  return { ok: true, template: { texts, holes } };
};

/** The one expression that a text is as a whole, if it is one (M1). */
export const wholeExpression = ({ texts, holes }: Template): Expression | undefined =>
  holes.length === 1 && texts.every((text) => text.trim() === '') ? holes[0]?.expression : undefined;

const badExpression = ({ message, at }: ExpressionProblem, text: string): NikaError =>
  new NikaError('NIKA_JOB_BAD_EXPRESSION', `${message} (at character ${at + 1})`, { subject: text.slice(0, 200) });

const parsed = (text: string): Template => {
  const outcome = parseTemplate(text);
  if (outcome.ok) return outcome.template;
  throw badExpression(outcome.problem, text);
};

/** A value as it stands in the middle of a text. */
const textOf = (value: unknown): string => {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : jsonOf(value);
};

const joined = ({ texts, holes }: Template, valueOf: (hole: Hole, at: number) => string): string =>
  texts.map((text, at) => text + (holes[at] === undefined ? '' : valueOf(holes[at], at))).join('');

const renderText = (text: string, scope: TemplateScope, status: JobStatus): unknown => {
  if (!isTemplate(text)) return text;
  const template = parsed(text);
  const whole = wholeExpression(template);
  if (whole !== undefined) return evaluate(whole, scope, status); // M1
  return joined(template, ({ expression }) => textOf(evaluate(expression, scope, status)));
};

/** The expressions of every template in a value, at any depth; none of a text that cannot be read. Never throws. */
export const expressionsIn = (value: unknown): readonly Expression[] => {
  if (isTemplate(value)) {
    const outcome = parseTemplate(value);
    return outcome.ok ? outcome.template.holes.map(({ expression }) => expression) : [];
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(expressionsIn) : [];
};

export interface RenderOptions {
  /** For always(), failure() and success(). */
  readonly status?: JobStatus;
}

/**
 * The value with every `${{ … }}` in it, at any depth, replaced by what it comes to (M1, M2). Names of fields stay.
 * @throws {NikaError} `NIKA_JOB_BAD_EXPRESSION`
 */
export const renderTemplates = (
  value: unknown,
  scope: TemplateScope,
  { status = { failed: false } }: RenderOptions = {},
): unknown => {
  if (typeof value === 'string') return renderText(value, scope, status);
  if (Array.isArray(value)) return value.map((entry) => renderTemplates(entry, scope, { status }));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, part]) => [key, renderTemplates(part, scope, { status })] as const);
  return Object.fromEntries(entries);
};

/** A value as words of a command line: a list is one word for each entry. */
const wordsOf = (value: unknown): string =>
  Array.isArray(value) ? value.map((entry) => shellQuote(textOf(entry))).join(' ') : shellQuote(textOf(value));

/**
 * A command line with every value quoted for `sh`, so that none can become code (M2).
 * @throws {NikaError} `NIKA_JOB_BAD_EXPRESSION`, also for a place where no quoting would hold.
 */
export const renderCommand = (command: string, scope: TemplateScope): string => {
  const template = parsed(command);
  const refusals = shellRefusals(template.texts);
  return joined(template, ({ expression }, at) => {
    const refusal = refusals[at];
    if (refusal !== undefined)
      throw new NikaError('NIKA_JOB_BAD_EXPRESSION', refusal, { subject: command.slice(0, 200) });
    return wordsOf(evaluate(expression, scope));
  });
};

/** An input that is a number or a boolean is a word of a command as its text. */
const asWord = (value: unknown): unknown =>
  typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;

/** A tool's input, rendered; the command line of `shell` is quoted. @throws {NikaError} `NIKA_JOB_BAD_EXPRESSION` */
export const renderToolInput = (
  tool: ToolName,
  input: Readonly<Record<string, unknown>>,
  scope: TemplateScope,
): Record<string, unknown> => {
  const { command, ...others } = input;
  const all = renderTemplates(others, scope) as Record<string, unknown>;
  const rendered = tool === 'shell' && Array.isArray(all['argv']) ? { ...all, argv: all['argv'].map(asWord) } : all;
  if (!Object.hasOwn(input, 'command')) return rendered;
  const isCommandLine = tool === 'shell' && typeof command === 'string';
  return { ...rendered, command: isCommandLine ? renderCommand(command, scope) : renderTemplates(command, scope) };
};

/** An `if`: one expression, in `${{ … }}` or bare. Never throws. */
export const parseCondition = (condition: string): ExpressionOutcome => {
  if (!isTemplate(condition)) return parseExpression(condition);
  const outcome = parseTemplate(condition);
  if (!outcome.ok) return outcome;
  const expression = wholeExpression(outcome.template);
  if (expression !== undefined) return { ok: true, expression, end: condition.length };
  return { ok: false, problem: { message: 'must be one expression, with no text around ${{ … }}', at: 0 } };
};

/** The expression of an `if`; none where there is none, or it cannot be read. Never throws. */
export const conditionIn = (condition: string | boolean | undefined): readonly Expression[] => {
  const outcome = typeof condition === 'string' ? parseCondition(condition) : undefined;
  return outcome?.ok === true ? [outcome.expression] : [];
};

/**
 * Whether a step runs, by its `if`. Without always(), failure() or success() in it, success() is meant as well.
 * @throws {NikaError} `NIKA_JOB_BAD_EXPRESSION`
 */
export const shouldRun = (
  condition: string | boolean | undefined,
  scope: TemplateScope,
  status: JobStatus,
): boolean => {
  if (typeof condition !== 'string') return condition !== false && !status.failed;
  const outcome = parseCondition(condition);
  if (!outcome.ok) throw badExpression(outcome.problem, condition);
  const { expression } = outcome;
  if (status.failed && statusCallIn(expression) === undefined) return false;
  return isTrue(evaluate(expression, scope, status));
};

/** Text that stands for itself, as a template: what would open an expression in it is said by one. */
export const literalText = (text: string): string => text.replaceAll(TEMPLATE_OPEN, () => `${TEMPLATE_OPEN} '$' }}{{`);

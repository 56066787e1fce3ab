/**
 * Owns the language inside `${{ … }}`: from text to a tree, with the column of what is wrong. Nothing is evaluated here.
 *
 *   or      = and { "||" and }             primary = literal | name | name "(" [ or { "," or } ] ")" | "(" or ")"
 *   and     = equal { "&&" equal }         literal = 'text' | "text" | 12.5 | true | false | null
 *   equal   = order { ("==" | "!=") order }
 *   order   = unary { ("<" | "<=" | ">" | ">=") unary }
 *   unary   = "!" unary | primary { "." name | "[" or "]" }
 *
 * X1. Parsing never throws and ends in time in proportion to the text: depth and size of the tree are bounded (G6).
 */
import { suggestion } from '../yaml/nearest.ts';

export type BinaryOperator = '||' | '&&' | '==' | '!=' | '<' | '<=' | '>' | '>=';

/** `at`: offset in the text, from 0. */
export type Expression =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null; readonly at: number }
  | { readonly kind: 'name'; readonly name: string; readonly at: number }
  | { readonly kind: 'member'; readonly of: Expression; readonly key: Expression; readonly at: number }
  | { readonly kind: 'not'; readonly of: Expression; readonly at: number }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly at: number;
    }
  | { readonly kind: 'call'; readonly name: FunctionName; readonly args: readonly Expression[]; readonly at: number };

export interface ExpressionProblem {
  readonly message: string;
  /** Offset in the text, from 0. */
  readonly at: number;
}

export type ExpressionOutcome =
  | {
      readonly ok: true;
      readonly expression: Expression;
      /** Offset behind it and the spaces that follow. */ readonly end: number;
    }
  | { readonly ok: false; readonly problem: ExpressionProblem };

/** Names of the functions, and how many arguments each takes. */
export const FUNCTIONS = {
  contains: 2,
  starts_with: 2,
  default: 2,
  json: 1,
  always: 0,
  failure: 0,
  success: 0,
} as const;
export type FunctionName = keyof typeof FUNCTIONS;
const FUNCTION_NAMES = Object.keys(FUNCTIONS);
const isFunctionName = (name: string): name is FunctionName => Object.hasOwn(FUNCTIONS, name);

const MAX_DEPTH = 50;
const MAX_NODES = 1_000;

const LEVELS: readonly (readonly BinaryOperator[])[] = [['||'], ['&&'], ['==', '!='], ['<=', '>=', '<', '>']];
const SPACE = /[ \t\r\n]*/y;
const NAME = /[A-Za-z_][A-Za-z0-9_-]*/y;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const CONSTANTS = new Map<string, boolean | null>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** What the parser gives up with; it never leaves this file (X1). */
class Refusal extends Error {
  readonly problem: ExpressionProblem;

  constructor(message: string, at: number) {
    super(message);
    this.problem = { message, at };
  }
}

class Parser {
  readonly #text: string;
  #at: number;
  #depth = 0;
  #nodes = 0;

  constructor(text: string, start: number) {
    this.#text = text;
    this.#at = start;
  }

  parse(): { readonly expression: Expression; readonly end: number } {
    this.#skipSpace();
    const expression = this.#level(0);
    return { expression, end: this.#at };
  }

  /** The text that `pattern` finds here, spaces behind it skipped; `undefined`: it finds none. */
  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return undefined;
    this.#at += found.length;
    this.#skipSpace();
    return found;
  }

  #takeSign<S extends string>(signs: readonly S[]): S | undefined {
    const sign = signs.find((candidate) => this.#text.startsWith(candidate, this.#at));
    if (sign === undefined) return undefined;
    this.#at += sign.length;
    this.#skipSpace();
    return sign;
  }

  #expectSign(sign: string, why: string): void {
    if (this.#takeSign([sign]) === undefined)
      throw new Refusal(`expected "${sign}" ${why}, not ${this.#seen()}`, this.#at);
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)?.[0].length ?? 0;
  }

  /** What stands here, for a message. */
  #seen(): string {
    const rest = this.#text.slice(this.#at, this.#at + 24);
    if (rest === '' || rest.startsWith('}}')) return 'the end';
    return JSON.stringify(/^(?:[\w-]+|.)/su.exec(rest)?.[0] ?? rest);
  }

  #node<E extends Expression>(node: E): E {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) throw new Refusal(`too long: at most ${MAX_NODES} parts`, node.at); // X1
    return node;
  }

  #deeper<T>(parse: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new Refusal(`nested too deeply: at most ${MAX_DEPTH}`, this.#at); // X1
    const result = parse();
    this.#depth -= 1;
    return result;
  }

  #level(level: number): Expression {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#level(level + 1);
    for (let at = this.#at, operator = this.#takeSign(operators); operator !== undefined;) {
      left = this.#node({ kind: 'binary', operator, left, right: this.#level(level + 1), at });
      at = this.#at;
      operator = this.#takeSign(operators);
    }
    return left;
  }

  #unary(): Expression {
    const at = this.#at;
    if (!this.#text.startsWith('!=', at) && this.#takeSign(['!']) !== undefined) {
      return this.#node({ kind: 'not', of: this.#deeper(() => this.#unary()), at });
    }
    let expression = this.#primary();
    for (let at = this.#at, sign = this.#takeSign(['.', '[']); sign !== undefined;) {
      const key = sign === '.' ? this.#field() : this.#index();
      expression = this.#node({ kind: 'member', of: expression, key, at });
      at = this.#at;
      sign = this.#takeSign(['.', '[']);
    }
    return expression;
  }

  #field(): Expression {
    const at = this.#at;
    const name = this.#take(NAME);
    if (name === undefined) throw new Refusal(`expected a name behind ".", not ${this.#seen()}`, at);
    return this.#node({ kind: 'literal', value: name, at });
  }

  #index(): Expression {
    const key = this.#deeper(() => this.#level(0));
    this.#expectSign(']', 'to close "["');
    return key;
  }

  #primary(): Expression {
    const at = this.#at;
    if (this.#takeSign(['(']) !== undefined) {
      const inner = this.#deeper(() => this.#level(0));
      this.#expectSign(')', 'to close "("');
      return inner;
    }
    const literal = this.#literal();
    if (literal !== undefined) return this.#node({ kind: 'literal', value: literal.value, at });
    const name = this.#take(NAME);
    if (name === undefined) throw new Refusal(`expected a value, not ${this.#seen()}`, at);
    if (this.#takeSign(['(']) !== undefined) return this.#call(name, at);
    const constant = CONSTANTS.get(name);
    return this.#node(constant === undefined ? { kind: 'name', name, at } : { kind: 'literal', value: constant, at });
  }

  #literal(): { readonly value: string | number } | undefined {
    const at = this.#at;
    const sign = this.#text[at];
    if (sign === "'") return { value: this.#quoted("'").replaceAll("''", "'") };
    if (sign === '"') return { value: this.#unescaped(this.#quoted('"'), at) };
    const digits = this.#take(NUMBER);
    if (digits === undefined) return undefined;
    if (!Number.isFinite(Number(digits))) throw new Refusal('the number is too large', at);
    return { value: Number(digits) };
  }

  /** What stands between two quotes; a quote within is doubled ('') or has a backslash before it ("). */
  #quoted(quote: "'" | '"'): string {
    const start = this.#at;
    let end = start + 1;
    for (; end < this.#text.length; end += 1) {
      const sign = this.#text[end];
      const isKept = quote === '"' ? sign === '\\' : sign === quote && this.#text[end + 1] === quote;
      if (isKept) end += 1;
      else if (sign === quote) break;
    }
    if (end >= this.#text.length) throw new Refusal(`the text that begins here has no closing ${quote}`, start);
    this.#at = end + 1;
    this.#skipSpace();
    return this.#text.slice(start + 1, end);
  }

  #unescaped(quoted: string, at: number): string {
    try {
      return String(JSON.parse(`"${quoted.replaceAll(/[\n\r\t]/g, (sign) => JSON.stringify(sign).slice(1, -1))}"`));
    } catch {
      throw new Refusal(
        String.raw`only \" \\ \n \r \t \b \f \/ and \u0000 may stand in "…"; use '…' for text as it is`,
        at,
      );
    }
  }

  #call(name: string, at: number): Expression {
    if (!isFunctionName(name)) throw new Refusal(`no function "${name}"; ${suggestion(name, FUNCTION_NAMES)}`, at);
    const args: Expression[] = [];
    if (this.#takeSign([')']) === undefined) {
      do args.push(this.#deeper(() => this.#level(0)));
      while (this.#takeSign([',']) !== undefined);
      this.#expectSign(')', `to close "${name}("`);
    }
    const wanted = FUNCTIONS[name];
    if (args.length === wanted) return this.#node({ kind: 'call', name, args, at });
    throw new Refusal(`${name}() takes ${wanted} argument${wanted === 1 ? '' : 's'}, not ${args.length}`, at);
  }
}

/** Parses the expression that begins at `start`; what follows it is the caller's matter (`end`). Never throws (X1). */
export const parseExpressionAt = (text: string, start: number): ExpressionOutcome => {
  try {
    return { ok: true, ...new Parser(text, start).parse() };
  } catch (thrown) {
    if (thrown instanceof Refusal) return { ok: false, problem: thrown.problem };
    throw thrown;
  }
};

/** Parses a text that is an expression as a whole. Never throws (X1). */
export const parseExpression = (text: string): ExpressionOutcome => {
  const outcome = parseExpressionAt(text, 0);
  if (!outcome.ok || outcome.end === text.length) return outcome;
  const rest = JSON.stringify(text.slice(outcome.end, outcome.end + 20));
  return { ok: false, problem: { message: `expected an operator or the end, not ${rest}`, at: outcome.end } };
};

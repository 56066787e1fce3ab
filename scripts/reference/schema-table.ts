/** Owns how a zod schema becomes a table of its fields in Markdown. */
import { z } from 'zod';

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly default?: unknown;
  readonly $ref?: string;
  readonly format?: string;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const typeOf = (schema: JsonSchema): string => {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(' or ');
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return [...new Set(options.map(typeOf))].join(' or ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.type === 'object') {
    const values = schema.additionalProperties;
    return typeof values === 'object' && schema.properties === undefined ? `map to ${typeOf(values)}` : 'object';
  }
  if (schema.type === undefined) return 'any JSON';
  return (typeof schema.type === 'string' ? [schema.type] : schema.type).join(' or ');
};

interface Inner {
  readonly schema: JsonSchema;
  /** What stands between the field's name and those of its own fields. */
  readonly path: string;
}

const nested = (schema: JsonSchema): Inner | undefined => {
  if (schema.properties !== undefined) return { schema, path: '' };
  if (schema.type === 'array' && schema.items !== undefined) {
    const inner = nested(schema.items);
    return inner === undefined ? undefined : { ...inner, path: `[]${inner.path}` };
  }
  if (typeof schema.additionalProperties === 'object') {
    const inner = nested(schema.additionalProperties);
    return inner === undefined ? undefined : { ...inner, path: `.<name>${inner.path}` };
  }
  return (schema.anyOf ?? schema.oneOf)?.map(nested).find((found) => found !== undefined);
};

const rowsOf = (schema: JsonSchema, prefix: string): readonly string[] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const isRequired = schema.required?.includes(name) === true && field.default === undefined;
    const inner = nested(field);
    const byDefault =
      field.default === undefined || inner !== undefined ? '' : ` Default \`${JSON.stringify(field.default)}\`.`;
    const row = `| \`${path}\` | ${cell(typeOf(field))} | ${isRequired ? 'yes' : ''} | ${cell((field.description ?? '') + byDefault)} |`;
    return [row, ...(inner === undefined ? [] : rowsOf(inner.schema, `${path}${inner.path}.`))];
  });

/** A table of all fields, nested ones by their path. `io`: what is written in a file, or what is read from one. */
export const schemaTable = (schema: z.ZodType, io: 'input' | 'output'): string => {
  const json = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' }) as JsonSchema;
  const rows = rowsOf(nested(json)?.schema ?? json, '');
  return ['| field | type | required | |', '|---|---|---|---|', ...rows].join('\n');
};

/**
 * Owns the JSON schemas by which editors complete and check job files and settings, made from the zod schemas.
 * They are looser than nika itself in one thing: wherever a value may be a template, text with `${{` is let through.
 */
import { z } from 'zod';
import { jobSchema, RUNNERS } from '../job/job.ts';
import { settingsSchema } from '../settings.ts';
import { TOOL_INPUT_SCHEMAS } from '../job/tool-inputs.ts';

interface JsonSchema {
  [key: string]: unknown;
}

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TEMPLATE: JsonSchema = { $ref: '#/definitions/template' };
const DEFINITIONS: JsonSchema = {
  template: {
    type: 'string',
    pattern: String.raw`\$\{\{`,
    description: 'Text with ${{ … }}; its value is known at the run.',
  },
};

const toJson = (schema: z.ZodType): JsonSchema => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  return json;
};

const mapValues = (value: unknown, map: (part: unknown) => unknown): unknown =>
  isSchema(value) ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, map(part)])) : value;

/** Text as such takes a template in any case. */
const takesAnyText = ({ type, pattern, enum: values, const: only, anyOf }: JsonSchema): boolean => {
  if (anyOf !== undefined || values !== undefined || only !== undefined || pattern !== undefined) return false;
  return type === undefined || type === 'string' || (Array.isArray(type) && type.includes('string'));
};

/** The schema, with a template in place of any value below the topmost. */
const withTemplates = (schema: unknown, isTop = false): unknown => {
  if (!isSchema(schema)) return schema;
  const { properties, additionalProperties, items, ...rest } = schema;
  const inner: JsonSchema = {
    ...rest,
    ...(properties === undefined ? {} : { properties: mapValues(properties, (part) => withTemplates(part)) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: withTemplates(additionalProperties) }),
    ...(items === undefined ? {} : { items: withTemplates(items) }),
  };
  if (isTop || takesAnyText(schema)) return inner;
  const { description, default: fallback, ...kind } = inner;
  return {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    anyOf: [...(Array.isArray(kind['anyOf']) ? (kind['anyOf'] as unknown[]) : [kind]), TEMPLATE],
  };
};

const inputOf = (tool: string, schema: z.ZodType): JsonSchema => {
  const json = withTemplates(toJson(schema), true) as JsonSchema;
  return tool === 'shell' ? { ...json, oneOf: [{ required: ['argv'] }, { required: ['command'] }] } : json;
};

const jobJson = (): JsonSchema => {
  const json = toJson(jobSchema);
  const properties = json['properties'] as JsonSchema;
  const steps = properties['steps'] as JsonSchema;
  const byTool = Object.entries(TOOL_INPUT_SCHEMAS).map(([tool, schema]) => ({
    if: { properties: { tool: { const: tool } }, required: ['tool'] },
    // oxlint-disable-next-line unicorn/no-thenable -- "then" is a word of JSON Schema
    then: { properties: { input: inputOf(tool, schema) } },
  }));
  const items = { ...(steps['items'] as JsonSchema), allOf: byTool };
  const oneRunner = RUNNERS.map((runner) => ({ required: [runner] }));
  const withItems = { ...properties, steps: { ...steps, items } };
  return { ...json, definitions: DEFINITIONS, oneOf: oneRunner, properties: withItems };
};

/** A section with nothing in it, because all of it is commented out, is none that is set. */
const mayBeEmpty = (schema: unknown): unknown => {
  if (!isSchema(schema) || schema['type'] !== 'object') return schema;
  return { ...schema, type: ['object', 'null'], properties: mapValues(schema['properties'], mayBeEmpty) };
};

const settingsJson = (): JsonSchema => {
  const json = toJson(settingsSchema);
  return { ...json, properties: mapValues(json['properties'], mayBeEmpty) };
};

const textOf = (title: string, schema: JsonSchema): string =>
  `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', title, ...schema }, null, 2)}\n`;

/** File name under `config/schemas/` → text. */
export const editorSchemas = (): Readonly<Record<string, string>> => ({
  'job.schema.json': textOf('A job of nika: config/jobs/<job>.yaml', jobJson()),
  'nika.schema.json': textOf('The settings of nika: config/nika.yaml', settingsJson()),
});

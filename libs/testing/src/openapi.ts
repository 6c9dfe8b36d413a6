import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';

/**
 * A published OpenAPI description, cut down to what a simulator serves, as a judge of what it is asked and what it answers. Each judgement is a list of complaints, empty when all is well.
 * Schemas are compiled when they are first needed.
 */
export interface Operation { id: string; method: string; path: string; parameters: Parameter[]; body: { required: boolean; schema: Schema } | null; responses: Record<string, Record<string, Schema> | null> }
interface Parameter { name: string; in: 'path' | 'query' | 'header'; required: boolean; schema: Schema }
export interface Schema { [key: string]: unknown; $ref?: string; type?: string; properties?: Record<string, Schema>; items?: Schema; additionalProperties?: boolean | Schema; required?: string[] }
export interface DescriptionFile { operations: Record<string, Omit<Operation, 'id'>>; schemas: Record<string, Schema> }

/** Judges values by schemas that refer to one another as `#/schemas/<name>`. */
export class Schemas {
  readonly #compiled = new WeakMap<Schema, ValidateFunction>();
  // Most schemas judge a few values: to make their code small takes three times as long as to make it.
  readonly #ajv = new Ajv({ strict: false, allErrors: true, verbose: false, code: { optimize: false } });

  constructor(private readonly document: string, private readonly named: Record<string, Schema>, formats: Record<string, RegExp | true> = {}) {
    addFormats.default(this.#ajv);
    for (const [name, format] of Object.entries(formats)) this.#ajv.addFormat(name, format);
    this.#ajv.addSchema({ $id: document, schemas: named });
  }

  complaints(schema: Schema, value: unknown, at: string): string[] {
    let validate = this.#compiled.get(schema);
    if (validate === undefined) {
      // Made absolute, the references inside of a schema lead into the document.
      const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/schemas/', `"${this.document}#/schemas/`)) as Schema;
      validate = this.#ajv.compile(absolute);
      this.#compiled.set(schema, validate);
    }
    const wrong = validate(value) ? [] : (validate.errors ?? []).map((error) => `${at}${error.instancePath} ${error.message ?? 'is wrong'}${error.keyword === 'enum' ? `: ${JSON.stringify(error.params)}` : ''}`);
    return [...new Set([...wrong, ...this.#unknownKeys([schema], value, at)])];
  }

  /** The descriptions leave objects open, so that a misspelt key would pass: a key must be among the properties of one of the alternatives. */
  #unknownKeys(schemas: Schema[], value: unknown, at: string): string[] {
    const all = schemas.flatMap((schema) => this.#alternatives(schema));
    if (Array.isArray(value)) {
      const items = all.flatMap((schema) => (schema.items ? [schema.items] : []));
      return items.length === 0 ? [] : value.flatMap((inner, index) => this.#unknownKeys(items, inner, `${at}/${index}`));
    }
    if (typeof value !== 'object' || value === null) return [];
    const objects = all.filter((schema) => schema.properties !== undefined || schema.type === 'object');
    if (objects.length === 0 || objects.some((schema) => schema.properties === undefined && schema.additionalProperties !== false)) return [];
    return Object.entries(value).flatMap(([key, inner]) => {
      const known = objects.flatMap((schema): Schema[] => { const inner = schema.properties?.[key] ?? schema.additionalProperties; return typeof inner === 'object' ? [inner] : []; });
      if (known.length > 0) return this.#unknownKeys(known, inner, `${at}/${key}`);
      return objects.some((schema) => schema.additionalProperties === true) ? [] : [`${at}/${key} is not in the description`];
    });
  }

  #alternatives(schema: Schema): Schema[] {
    if (schema.$ref !== undefined) return this.#alternatives(this.named[schema.$ref.slice('#/schemas/'.length)] as Schema);
    const inner = ['allOf', 'anyOf', 'oneOf'].flatMap((key) => (Array.isArray(schema[key]) ? (schema[key] as Schema[]).flatMap((one) => this.#alternatives(one)) : []));
    return schema.properties !== undefined || schema.items !== undefined || (schema.type === 'object' && inner.length === 0) ? [schema, ...inner] : inner;
  }
}

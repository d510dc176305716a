/**
 * Executes GraphQL documents against Shopify's published Storefront schema.
 *
 * Documents are parsed and validated as the real API does. A field the shop does
 * not model answers null, or the schema's neutral value where null is forbidden.
 */
import { readFileSync } from "node:fs";
import type { DocumentNode, FormattedExecutionResult, GraphQLOutputType, GraphQLSchema, OperationDefinitionNode } from "graphql";
import {
  buildClientSchema,
  executeSync,
  GraphQLError,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  parse,
  validate,
  visit,
} from "graphql";
import { OPENING_DAY } from "./catalog.ts";
import type { Market, Resolver } from "./values.ts";
import { connection } from "./values.ts";

/** One call's body. */
export type Call = {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly operationName: string | undefined;
};

export type Execute = (call: Call) => FormattedExecutionResult;

/** Compiled documents kept; all are dropped beyond this many. */
const MAX_DOCUMENTS = 500;

type Compiled = { readonly document: DocumentNode } | { readonly errors: readonly GraphQLError[] };

/** Reads an introspection result (`{data: {__schema}}` or `{__schema}`) from a file. */
export function loadSchema(file: string): GraphQLSchema {
  const read = JSON.parse(readFileSync(file, "utf8")) as { data?: Parameters<typeof buildClientSchema>[0] };
  // Shopify's schema breaks a rule of newer GraphQL (it deprecates `MediaPresentation.id`
  // but not `Node.id`); the real API answers all the same.
  return buildClientSchema(read.data ?? (read as Parameters<typeof buildClientSchema>[0]), { assumeValid: true });
}

/** An executor of documents over `rootFields`; the same document is parsed and validated once. */
export function createExecutor(schema: GraphQLSchema, rootFields: Readonly<Record<string, Resolver>>): Execute {
  const compiled = new Map<string, Compiled>();
  const compileOnce = (query: string): Compiled => {
    const known = compiled.get(query);
    if (known) return known;
    if (compiled.size >= MAX_DOCUMENTS) compiled.clear();
    const fresh = compile(schema, query);
    compiled.set(query, fresh);
    return fresh;
  };

  return ({ query, variables, operationName }) => {
    const ready = compileOnce(query);
    if ("errors" in ready) return { errors: ready.errors.map(validationError) };
    const { document } = ready;
    const operations = document.definitions.filter((node): node is OperationDefinitionNode => node.kind === Kind.OPERATION_DEFINITION);
    const operation = operationName === undefined ? operations[0] : operations.find(({ name }) => name?.value === operationName);
    const market = marketOf(operation, variables);
    const { data, errors } = executeSync({
      schema,
      document,
      rootValue: rootFields,
      contextValue: market,
      variableValues: { ...variables },
      operationName: operationName ?? null,
      fieldResolver: (source: Readonly<Record<string, unknown>>, args, context: Market, { fieldName, returnType }) => {
        const value = source[fieldName];
        if (typeof value === "function") return (value as (args: unknown, market: Market) => unknown)(args, context);
        return value === undefined ? neutral(returnType) : value;
      },
      typeResolver: (value: Readonly<Record<string, unknown>>) => String(value["__typename"]),
    });
    return {
      data: data ?? null,
      ...(errors && { errors: errors.map((error) => error.toJSON()) }),
      extensions: { context: market, cost: { requestedQueryCost: cost(document) } },
    };
  };
}

function compile(schema: GraphQLSchema, query: string): Compiled {
  try {
    const document = parse(query);
    const errors = validate(schema, document);
    return errors.length > 0 ? { errors } : { document };
  } catch (error) {
    return { errors: [error instanceof GraphQLError ? error : new GraphQLError(String(error))] };
  }
}

function validationError(error: GraphQLError): ReturnType<GraphQLError["toJSON"]> {
  return { ...error.toJSON(), extensions: { code: "graphqlValidationFailed" } };
}

/** The market named by the operation's `@inContext`, as a literal or by variable; US and EN where unsaid. */
function marketOf(operation: OperationDefinitionNode | undefined, variables: Readonly<Record<string, unknown>>): Market {
  const directive = operation?.directives?.find(({ name }) => name.value === "inContext");
  const stated = (wanted: string, otherwise: string): string => {
    const value = directive?.arguments?.find(({ name }) => name.value === wanted)?.value;
    if (value?.kind === Kind.ENUM) return value.value;
    const given = value?.kind === Kind.VARIABLE ? variables[value.name.value] : undefined;
    return typeof given === "string" ? given : otherwise;
  };
  return { country: stated("country", "US"), language: stated("language", "EN") };
}

/** A stable stand-in for Shopify's query cost: a fifth of a point per selected field, 1000 at most. */
function cost(document: DocumentNode): number {
  let fields = 0;
  visit(document, {
    Field: () => {
      fields += 1;
    },
  });
  return Math.min(1000, Math.ceil(fields / 5));
}

const NEUTRAL_SCALARS = new Map<string, unknown>([
  ["Int", 0],
  ["Float", 0],
  ["Boolean", false],
  ["UnsignedInt64", "0"],
  ["Decimal", "0.0"],
  ["DateTime", OPENING_DAY],
  ["URL", "https://sim-shop.example"],
]);

function neutral(type: GraphQLOutputType): unknown {
  if (!isNonNullType(type)) return null;
  const inner = type.ofType;
  if (isListType(inner)) return [];
  if (isEnumType(inner)) return inner.getValues()[0]?.name;
  if (isObjectType(inner)) return inner.name.endsWith("Connection") ? connection([]) : {};
  return NEUTRAL_SCALARS.get(inner.name) ?? "";
}

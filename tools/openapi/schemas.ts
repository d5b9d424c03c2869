import * as z from 'zod/mini';
import { passwordBody, signInBody } from '../../src/api/request-schemas.ts';
import { USERNAME_MAX_CHARACTERS } from '../../src/auth/username.ts';
import * as fields from '../../src/http/fields.ts';
import * as responses from '../../src/http/response-schemas.ts';

// Components of the document, made from the schemas that validate. OpenAPI 3.1 takes JSON Schema as it is.

export type JsonSchema = Record<string, unknown>;

const RESPONSES = {
  SignIn: responses.signInResponse,
  Current: responses.currentResponse,
  Session: responses.sessionResponse,
  User: responses.userResponse,
  Sessions: responses.sessionsResponse,
  Receipt: responses.receiptResponse,
  PasswordReceipt: responses.passwordResponse,
  Logout: responses.logoutResponse,
  LogoutReason: responses.logoutReason,
  PastLogout: responses.pastLogoutResponse,
  Logouts: responses.logoutsResponse,
  Problem: responses.problemResponse,
  FieldError: responses.fieldErrorResponse,
};
const BODIES = { SignInBody: signInBody, PasswordBody: passwordBody };

export type ResponseName = keyof typeof RESPONSES;
export type BodyName = keyof typeof BODIES;

export const refTo = (name: ResponseName | BodyName) => ({ $ref: `#/components/schemas/${name}` });

/** What the Worker needn't know of its request fields, and lengths, which JSON Schema too counts in code points. */
const DESCRIBED: [z.ZodMiniType, JsonSchema][] = [
  [
    fields.username,
    {
      maxLength: USERNAME_MAX_CHARACTERS,
      description: 'Found as typed, or else in NFKC without white space at the ends',
    },
  ],
  [
    fields.password,
    { maxLength: fields.PASSWORD_MAX_CHARACTERS, format: 'password', description: 'Taken as it is' },
  ],
  [
    fields.newPassword,
    {
      maxLength: fields.NEW_PASSWORD_MAX_CHARACTERS,
      format: 'password',
      description:
        'At least `MIN_PASSWORD_LENGTH` characters (8 unless the operator changed it), neither common nor the username',
    },
  ],
  [
    fields.deviceName,
    {
      maxLength: fields.DEVICE_NAME_MAX_CHARACTERS,
      description: "Shown in the user's list of sessions; a blank one counts as none",
    },
  ],
  [
    fields.deviceToken,
    {
      maxLength: fields.DEVICE_TOKEN_MAX_CHARACTERS,
      description:
        "From the last sign-in of this user on this device: failed sign-ins elsewhere then can't lock it out. An invalid one counts as none",
    },
  ],
  [
    signInBody.shape.remember_me,
    {
      description:
        'Default: false. If true, the session lasts up to 30 days, 14 of them without a request; otherwise 24 hours and 2. The operator may set other times',
    },
  ],
];
for (const [schema, metadata] of DESCRIBED) z.globalRegistry.add(schema, metadata);

/** Components by name, each used by reference wherever it occurs. */
export const componentSchemas = (): JsonSchema => ({
  ...convert(RESPONSES, 'output'),
  ...convert(BODIES, 'input'),
});

export const schemaOf = (schema: z.ZodMiniType): JsonSchema =>
  tidy(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));

function convert(named: Record<string, z.ZodMiniType>, io: 'input' | 'output'): JsonSchema {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { io, uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(Object.entries(schemas).map(([name, each]) => [name, tidy(each as JsonSchema)]));
}

/** Leaves out what would make clients worse. */
function tidy({ anyOf, ...schema }: JsonSchema): JsonSchema {
  // The version of OpenAPI says which JSON Schema it is, and components are found by their path.
  delete schema['$schema'];
  delete schema['$id'];
  // Clients must accept members that later versions add.
  if (schema['additionalProperties'] === false) delete schema['additionalProperties'];
  // Generators make a field with a default a required one. Its description says it.
  delete schema['default'];
  // JavaScript's own bound.
  if (schema['maximum'] === Number.MAX_SAFE_INTEGER) delete schema['maximum'];
  if (schema['type'] === 'integer') schema['format'] = 'int32';
  // A long pattern that says the same.
  if (['date-time', 'uuid', 'uri'].includes(String(schema['format']))) delete schema['pattern'];
  if (schema['properties'] !== undefined) schema['properties'] = tidyEach(schema['properties'] as JsonSchema);
  if (schema['items'] !== undefined) schema['items'] = tidy(schema['items'] as JsonSchema);
  return anyOf === undefined ? schema : { ...orNull(anyOf as JsonSchema[]), ...schema };
}

const tidyEach = (schemas: JsonSchema): JsonSchema =>
  Object.fromEntries(Object.entries(schemas).map(([name, each]) => [name, tidy(each as JsonSchema)]));

/** Nullable text as one schema with two types, which is easier to read. */
function orNull(schemas: JsonSchema[]): JsonSchema {
  const [text, none, ...others] = schemas.map(tidy);
  if (text?.['type'] !== 'string' || none?.['type'] !== 'null' || others.length > 0)
    return { anyOf: schemas };
  return { ...text, type: ['string', 'null'] };
}

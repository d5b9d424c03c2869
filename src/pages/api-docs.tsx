import { Hono } from '../http/hono.ts';
import type { Child } from 'hono/jsx';
import { API_PATH } from '../http/api-path.ts';
import { components, info, paths, type Operation, type Responded, type Schema } from './api-document.ts';
import { renderPage } from './layout.tsx';
import { en } from './texts/en.tsx';

/** `GET /api/v1/docs`: the OpenAPI document as a page. Its text is English, whatever the visitor's language is. */
export const apiDocsPage = new Hono().get('/docs', (c) => {
  const { origin } = c.get('request').url;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  return renderPage(
    c,
    { texts: en, title: 'API', wide: true },
    <>
      <h1>API</h1>
      {info.description.split('\n\n').map((each) => (
        <p>{withCode(each)}</p>
      ))}
      <p>
        The same for programs: <a href={`${API_PATH}/openapi.json`}>openapi.json</a> (OpenAPI 3.1, version{' '}
        {info.version}).
      </p>
      <nav aria-label="Requests">
        <ul>
          {operations.map(({ method, path, operation }) => (
            <li>
              <a href={`#${operation.operationId}`}>{operation.summary}</a>:{' '}
              <code>
                {method} {path}
              </code>
            </li>
          ))}
        </ul>
      </nav>
      {operations.map(({ method, path, operation }) => renderOperation(method, path, operation, origin))}
      <h2 id="objects">Objects</h2>
      {Object.entries(components.schemas).map(([name, schema]) => (
        <section aria-labelledby={name}>
          <h3 id={name}>{name}</h3>
          {schema.properties === undefined ? (
            <p>
              {typeOf(schema)}. {withCode(schema.description ?? '')}
            </p>
          ) : (
            table(
              'Member',
              Object.entries(schema.properties).map(([member, each]) => [
                <code>{member}</code>,
                typeOf(each),
                schema.required?.includes(member) === true ? '. ' : ', optional. ',
                withCode(each.description ?? ''),
              ]),
            )
          )}
        </section>
      ))}
      <h2 id="headers">Response headers</h2>
      {table(
        'Header',
        Object.entries(components.headers).map(([name, { description }]) => [
          <code>{name}</code>,
          withCode(description),
        ]),
      )}
    </>,
  );
});

function renderOperation(method: string, path: string, operation: Operation, origin: string) {
  const { operationId, summary, description, parameters = [], requestBody } = operation;
  const body = requestBody?.content['application/json'];
  const responses = Object.entries(operation.responses).map(
    ([status, each]) => [status, '$ref' in each ? components.responses[nameIn(each.$ref)]! : each] as const,
  );
  const [success] = responses;
  const example = Object.values(success?.[1].content ?? {})[0]?.example;
  return (
    <section aria-labelledby={operationId}>
      <h2 id={operationId}>{summary}</h2>
      <p>
        <code>
          {method} {API_PATH + path}
        </code>
      </p>
      <p>
        {withCode(description)} {withCode(credentialsOf(operation))}
      </p>
      {parameters.length === 0
        ? null
        : table(
            'Parameter',
            parameters.map((each) => [
              <code>{each.name}</code>,
              typeOf(each.schema),
              each.required === true ? '. ' : ', optional. ',
              withCode(each.description),
            ]),
          )}
      {body === undefined ? null : <p>Body: {typeOf(body.schema)}, for example</p>}
      {body === undefined ? null : json(body.example)}
      <p>With curl:</p>
      <pre>{curl(method, origin, path, operation)}</pre>
      {example === undefined ? null : <p>Response ({success?.[0]}), for example</p>}
      {example === undefined ? null : json(example)}
      {table(
        'Status',
        responses.map(([status, each]) => [
          status,
          Object.values(each.content).map(({ schema }) => typeOf(schema)),
          '. ',
          withCode(each.description),
          headersOf(each),
        ]),
      )}
    </section>
  );
}

/** Those that not all responses have. */
function headersOf({ headers }: Responded): string {
  const own = Object.keys(headers).filter((name) => !EVERYWHERE.includes(name));
  return own.length === 0 ? '' : `. Headers: ${own.join(', ')}`;
}

const EVERYWHERE = Object.keys((paths['/openapi.json']?.['get']?.responses['200'] as Responded).headers);

function credentialsOf({ security }: Operation): string {
  if (security.length === 0) return 'Needs no credentials.';
  return security.some((each) => 'csrf' in each)
    ? 'Needs a bearer token, or the session cookie and `X-CSRFToken`.'
    : 'Needs a bearer token or the session cookie.';
}

/** As a shell takes it, with the token in `$TOKEN`. */
function curl(
  method: string,
  origin: string,
  path: string,
  { parameters = [], requestBody, security }: Operation,
) {
  const values = parameters.filter((each) => each.example !== undefined);
  const inPath = values.reduce((text, { name, example }) => text.replace(`{${name}}`, example ?? ''), path);
  const query = values
    .filter((each) => each.in === 'query')
    .map(({ name, example }) => `${name}=${example}`)
    .join('&');
  const parts = [
    `curl${method === 'GET' ? '' : ` -X ${method}`} '${origin}${API_PATH}${inPath}${query && `?${query}`}'`,
  ];
  if (security.length > 0) parts.push('-H "Authorization: Bearer $TOKEN"');
  if (requestBody !== undefined) {
    const text = JSON.stringify(requestBody.content['application/json'].example).replaceAll("'", "'\\''");
    parts.push("-H 'Content-Type: application/json'", `-d '${text}'`);
  }
  return parts.join(' \\\n  ');
}

const json = (value: unknown) => <pre>{JSON.stringify(value, null, 2)}</pre>;

const nameIn = (reference: string): string => reference.slice(reference.lastIndexOf('/') + 1);

/** A type in words, with a link to the object that it names. */
function typeOf(schema: Schema): Child {
  if (schema.$ref !== undefined) {
    const name = nameIn(schema.$ref);
    return <a href={`#${name}`}>{name}</a>;
  }
  if (schema.items !== undefined) return <>list of {typeOf(schema.items)}</>;
  const { format, minimum, maximum, maxLength } = schema;
  const words = schema.enum?.join(', ') ?? schema.const ?? [schema.type].flat().join(' or ');
  return [
    format === undefined || format === 'int32' ? words : `${words} (${format})`,
    minimum === undefined
      ? ''
      : maximum === undefined
        ? `, ${minimum} or more`
        : `, ${minimum} to ${maximum}`,
    maxLength === undefined ? '' : `, up to ${maxLength} characters`,
    schema.default === undefined ? '' : `, default ${schema.default}`,
  ].join('');
}

/** A text of the document, whose code is in backticks. */
const withCode = (text: string): Child[] =>
  text.split('`').map((part, i) => (i % 2 === 0 ? part : <code>{part}</code>));

/** Each row: what it is about, then what there is to say of it. */
function table(subject: string, rows: readonly (readonly Child[])[]) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{subject}</th>
          <th scope="col">Description</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, ...description]) => (
          <tr>
            <th scope="row">{name}</th>
            <td>{description}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

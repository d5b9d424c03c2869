export const API_PATH = '/api/v1';
export const AUTHZ_PATH = '/api/authz';
/** A page, though it is below the API. */
export const API_DOCS_PATH = `${API_PATH}/docs`;

export const API_PATH = '/api/v1';
export const AUTHZ_PATH = '/api/authz';

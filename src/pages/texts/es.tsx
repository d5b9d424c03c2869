import type { OutageTexts } from '../../http/problem-texts.ts';
import { inMinutes } from '../intl.ts';
import { fieldErrors, type Texts } from './texts.ts';

const LOCALE = 'es';

const FIELDS = {
  username: 'Nombre de usuario',
  password: 'Contraseña',
  current_password: 'Contraseña actual',
  new_password: 'Nueva contraseña',
  confirm_password: 'Repita la nueva contraseña',
  remember_me: 'Recordarme en este dispositivo',
};

const fieldError = fieldErrors(FIELDS, {
  missing: (field) => `Rellene el campo «${field}».`,
  invalid: (field) => `El campo «${field}» no es válido.`,
  too_long: (field, limit) => `El campo «${field}» no puede superar los ${limit} caracteres.`,
  too_short: (_, limit) => `Use al menos ${limit} caracteres.`,
  same_as_username: () => 'La contraseña no puede ser igual al nombre de usuario.',
  too_common: () => 'Esta contraseña es demasiado común. Elija otra.',
  not_repeated: () => 'Las dos contraseñas no coinciden.',
});

const OUTAGES: OutageTexts = {
  nothing:
    'Ahora mismo no podemos acceder a nuestros datos. No se ha perdido nada; inténtelo de nuevo en un momento.',
  sign_out:
    'No hemos podido confirmar el cierre de sesión. Es posible que la sesión siga abierta; inténtelo de nuevo en un momento.',
  new_password:
    'No hemos podido confirmar el cambio. Inicie sesión con la nueva contraseña; si no funciona, use la anterior.',
  password_change:
    'Su contraseña se ha cambiado, pero es posible que sus otros dispositivos sigan con la sesión abierta un momento. Inicie sesión con la nueva contraseña y revise sus sesiones.',
};

export const es = {
  language: 'es',
  direction: 'ltr',
  locale: LOCALE,

  problems: {
    invalid_fields: ['Revise el formulario', ({ errors }) => errors.map(fieldError).join(' ')],
    malformed_body: ['Solicitud ilegible', 'El cuerpo de la solicitud está mal formado.'],
    unsupported_media_type: [
      'Formato no admitido',
      'Se espera un formulario: application/x-www-form-urlencoded o multipart/form-data.',
    ],
    body_too_large: ['Solicitud demasiado grande', 'El cuerpo de la solicitud supera los 64 KiB.'],
    bad_credentials: ['Sesión no iniciada', 'Nombre de usuario o contraseña incorrectos.'],
    wrong_current_password: ['Contraseña sin cambios', 'La contraseña actual es incorrecta.'],
    not_signed_in: ['Sesión no iniciada', 'Primero inicie sesión.'],
    csrf_failed: [
      'Este formulario ha caducado',
      ({ noCookie }) =>
        noCookie === true
          ? 'Su navegador no ha enviado ninguna cookie. Inténtelo de nuevo; si se repite, está bloqueando las cookies de este sitio.'
          : 'Puede que haya iniciado o cerrado sesión desde que abrió esta página. Inténtelo de nuevo.',
    ],
    foreign_origin: [
      'Solicitud de otro sitio',
      'Esta solicitud viene de otro sitio, así que no la hemos aceptado.',
    ],
    not_found: ['Página no encontrada', 'No hay nada en esta dirección.'],
    method_not_allowed: ['Método no permitido', ({ allow }) => `Esta dirección acepta ${allow.join(', ')}.`],
    throttled: [
      'Demasiados intentos',
      ({ retryAfterSeconds }) =>
        `Demasiados intentos fallidos. Inténtelo de nuevo ${inMinutes(LOCALE, retryAfterSeconds)}.`,
    ],
    store_unavailable: [
      'No disponible temporalmente',
      ({ unconfirmed }) => OUTAGES[unconfirmed ?? 'nothing'],
    ],
    overloaded: [
      'Servicio saturado',
      'Hay demasiados inicios de sesión a la vez. Inténtelo de nuevo en unos segundos.',
    ],
    internal_error: ['Algo ha fallado', 'El error es nuestro y ha quedado registrado.'],
  },
  fieldError,

  signIn: 'Iniciar sesión',
  signOut: 'Cerrar sesión',
  signedOut: 'Ha cerrado la sesión.',
  tryAgain: 'Intentarlo de nuevo',
  goHome: 'Ir a la página principal',
  changePassword: 'Cambiar contraseña',
  yourSessions: 'Sus sesiones',

  frame: {
    account: 'Cuenta',
    home: 'Inicio',
    sessions: 'Sesiones',
    signedInAs: (username) => <>Sesión iniciada como {username}</>,
    help: 'Ayuda',
  },

  landing: {
    title: 'Le damos la bienvenida',
    heading: 'Inicie sesión una vez. Ciérrela de verdad.',
    promise: (site) =>
      `${site} guarda sus sesiones en el borde de la red. Cuando dice que la sesión está cerrada, lo está: en todos los servidores y al instante.`,
    signedInAs: (username) => <>Ha iniciado sesión como {username}.</>,
    goHome: 'Ir a su página de inicio',
    notSignedIn: 'No ha iniciado sesión.',
    unknown:
      'Ahora mismo no podemos comprobar su sesión. No se ha perdido nada; inténtelo de nuevo en un momento.',
  },

  form: {
    pleaseCheck: (title) => `${title}: revise el formulario`,
    checkForm: 'Revise el formulario.',
    checkFields: 'Revise los campos de abajo.',
    username: FIELDS.username,
    password: FIELDS.password,
    rememberMe: FIELDS.remember_me,
    currentPassword: FIELDS.current_password,
    newPassword: FIELDS.new_password,
    confirmPassword: FIELDS.confirm_password,
    passwordHint: (min, max) =>
      `De ${min} a ${max} caracteres de cualquier tipo. Unas cuantas palabras son fáciles de recordar.`,
    passwordWarning: 'El cambio cierra la sesión en todos sus otros dispositivos.',
  },

  home: {
    title: 'Inicio',
    greeting: (username) => <>Hola, {username}</>,
    signedIn: 'Ha iniciado sesión en este dispositivo.',
    since: 'Desde',
    from: 'Origen',
    unknownAddress: 'dirección desconocida',
    until: 'Caduca',
    atLatest: (time, rememberMe) => (
      <>
        {time} a más tardar
        {rememberMe ? ', porque marcó «Recordarme»' : ', o hasta que cierre el navegador'}
      </>
    ),
  },

  logout: {
    heading: '¿Cerrar sesión?',
    onThisDevice: 'Se cerrará la sesión en este dispositivo. En sus otros dispositivos seguirá abierta.',
    stay: 'Seguir con la sesión abierta',
  },

  sessions: {
    intro:
      'Estos dispositivos tienen la sesión abierta. ¿No reconoce alguno? Cierre su sesión y cambie su contraseña.',
    notices: {
      revoked: 'La sesión de ese dispositivo está cerrada.',
      unknown: 'Ese dispositivo no tiene una sesión abierta en su cuenta.',
      others: 'Las sesiones de todos sus otros dispositivos están cerradas.',
      password: 'Su contraseña se ha cambiado y las sesiones de sus otros dispositivos están cerradas.',
    },
    thisDevice: 'Este dispositivo',
    app: 'Aplicación',
    remembered: 'Recordado',
    unknownAddress: 'Dirección desconocida',
    signedIn: (time) => <>inicio de sesión {time}</>,
    lastSeen: (time) => <>última actividad {time}</>,
    signOutHere: 'Cerrar sesión en este dispositivo',
    signOutOne: 'Cerrar sesión',
    signOutDevice: (device, at) => `Cerrar sesión en ${device}, iniciada el ${at}`,
    details: {
      show: 'Detalles',
      signedIn: 'Inicio de sesión',
      lastSeen: 'Última actividad',
      userAgent: 'Agente de usuario',
    },
    signOutOthers: 'Cerrar sesión en los demás dispositivos',
    signOutEverywhere: 'Cerrar sesión en todas partes',
  },

  activity: {
    heading: 'Actividad reciente',
    unavailable: 'La actividad reciente no está disponible ahora mismo.',
    show: 'Mostrarla',
    none: 'Nada todavía.',
    when: 'Cuándo',
    what: 'Qué',
    from: 'Origen',
    unknownAddress: 'dirección desconocida',
    details: {
      success: 'Inicio de sesión',
      bad_credentials: 'Inicio de sesión fallido: contraseña incorrecta',
      inactive: 'Inicio de sesión fallido: cuenta desactivada',
      throttled: 'Inicios de sesión en pausa: demasiados fallos',
      logout: 'Cierre de sesión',
      logout_others: 'Sesión cerrada desde otro dispositivo',
      logout_all: 'Sesión cerrada en todas partes',
      revoked: 'Sesión cerrada desde otro dispositivo',
      replaced: 'Sustituida por un nuevo inicio de sesión',
      evicted: 'Sesión cerrada: demasiadas sesiones',
      password_changed: 'Sesión cerrada: contraseña cambiada',
      admin: 'Sesión cerrada por un administrador',
      expired_idle: 'Sesión cerrada: sin uso durante un tiempo',
      expired_absolute: 'Sesión cerrada: sesión caducada',
      abandoned: 'Inicio de sesión no completado',
    },
  },

  comma: ', ',
  device: {
    unknown: 'Dispositivo desconocido',
    on: (browser, system) => `${browser} en ${system}`,
    unknownCountry: 'país desconocido',
    torNetwork: 'red Tor',
  },

  time: { justNow: 'ahora mismo', soon: 'en menos de un minuto' },

  request: (id) => <>Solicitud {id}</>,

  returnLoop: {
    title: (host) => `Sesión iniciada, pero ${host} no la ve`,
    heading: (host) => `Ha iniciado sesión, pero ${host} no la ve`,
    intro: (host) =>
      `Ese sitio le ha enviado aquí a iniciar sesión tres veces en diez segundos. Inténtelo de nuevo en un momento. Si continúa, pida a los responsables de ${host} que comprueben:`,
    questions: (host) => [
      `¿Le llega la cookie de sesión? Solo si a este servicio se accede a través de ${host} o si SESSION_COOKIE_DOMAIN abarca ambos.`,
      '¿Consulta a este servicio en cada solicitud y le pasa la cookie?',
      '¿Tiene bien la hora y compara aud con la dirección que muestra su navegador?',
    ],
    yourHome: 'Su página de inicio',
  },
} satisfies Texts;

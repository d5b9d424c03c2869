import type { OutageTexts } from '../../http/problem-texts.ts';
import { inMinutes } from '../intl.ts';
import { fieldErrors, type Texts } from './texts.ts';

// Spaces before ? ! : ; and inside « » don't break (U+00A0).

const LOCALE = 'fr';

const FIELDS = {
  username: 'Nom d’utilisateur',
  password: 'Mot de passe',
  current_password: 'Mot de passe actuel',
  new_password: 'Nouveau mot de passe',
  confirm_password: 'Répétez le nouveau mot de passe',
  remember_me: 'Se souvenir de moi sur cet appareil',
};

const fieldError = fieldErrors(FIELDS, {
  missing: (field) => `Remplissez le champ « ${field} ».`,
  invalid: (field) => `Le champ « ${field} » n’est pas valide.`,
  too_long: (field, limit) => `Le champ « ${field} » ne peut pas dépasser ${limit} caractères.`,
  too_short: (_, limit) => `Utilisez au moins ${limit} caractères.`,
  same_as_username: () => 'Le mot de passe doit être différent du nom d’utilisateur.',
  too_common: () => 'Ce mot de passe est trop courant. Choisissez-en un autre.',
  not_repeated: () => 'Les deux mots de passe ne correspondent pas.',
});

const OUTAGES: OutageTexts = {
  nothing: 'Nos données sont inaccessibles pour le moment. Rien n’est perdu ; réessayez dans un instant.',
  sign_out:
    'Nous n’avons pas pu confirmer la déconnexion. La session est peut-être encore ouverte ; réessayez dans un instant.',
  new_password:
    'Nous n’avons pas pu confirmer le changement. Connectez-vous avec le nouveau mot de passe ; en cas d’échec, utilisez l’ancien.',
  password_change:
    'Votre mot de passe est changé, mais vos autres appareils sont peut-être encore connectés pour un instant. Connectez-vous avec le nouveau mot de passe et vérifiez vos sessions.',
};

export const fr = {
  language: 'fr',
  direction: 'ltr',
  locale: LOCALE,

  problems: {
    invalid_fields: ['Vérifiez le formulaire', ({ errors }) => errors.map(fieldError).join(' ')],
    malformed_body: ['Requête illisible', 'Le corps de la requête est mal formé.'],
    unsupported_media_type: [
      'Format non pris en charge',
      'Un formulaire est attendu : application/x-www-form-urlencoded ou multipart/form-data.',
    ],
    body_too_large: ['Requête trop volumineuse', 'Le corps de la requête dépasse 64 Kio.'],
    bad_credentials: ['Non connecté', 'Nom d’utilisateur ou mot de passe incorrect.'],
    wrong_current_password: ['Mot de passe inchangé', 'Le mot de passe actuel est incorrect.'],
    not_signed_in: ['Non connecté', 'Connectez-vous d’abord.'],
    csrf_failed: [
      'Ce formulaire n’est plus à jour',
      ({ noCookie }) =>
        noCookie === true
          ? 'Votre navigateur n’a envoyé aucun cookie. Réessayez ; si cela se répète, il bloque les cookies de ce site.'
          : 'Vous vous êtes peut-être connecté ou déconnecté depuis l’ouverture de cette page. Veuillez réessayer.',
    ],
    foreign_origin: [
      'Requête d’un autre site',
      'Cette requête vient d’un autre site ; nous ne l’avons donc pas acceptée.',
    ],
    not_found: ['Page introuvable', 'Il n’y a rien à cette adresse.'],
    method_not_allowed: [
      'Méthode non autorisée',
      ({ allow }) => `Cette adresse accepte ${allow.join(', ')}.`,
    ],
    throttled: [
      'Trop de tentatives',
      ({ retryAfterSeconds }) =>
        `Trop de tentatives échouées. Réessayez ${inMinutes(LOCALE, retryAfterSeconds)}.`,
    ],
    store_unavailable: [
      'Temporairement indisponible',
      ({ unconfirmed }) => OUTAGES[unconfirmed ?? 'nothing'],
    ],
    overloaded: ['Service saturé', 'Trop de connexions en même temps. Réessayez dans quelques secondes.'],
    internal_error: ['Une erreur est survenue', 'Elle vient de nous et a été enregistrée.'],
  },
  fieldError,

  signIn: 'Se connecter',
  signOut: 'Se déconnecter',
  signedOut: 'Vous êtes déconnecté.',
  tryAgain: 'Réessayer',
  goHome: 'Aller à la page d’accueil',
  changePassword: 'Changer le mot de passe',
  yourSessions: 'Vos sessions',

  frame: {
    account: 'Compte',
    home: 'Accueil',
    sessions: 'Sessions',
    signedInAs: (username) => <>Connecté en tant que {username}</>,
    help: 'Aide',
  },

  landing: {
    title: 'Bienvenue',
    heading: 'Une seule connexion. Une vraie déconnexion.',
    promise: (site) =>
      `${site} garde vos sessions en périphérie du réseau. Quand il indique que vous êtes déconnecté, vous l’êtes : sur tous les serveurs, immédiatement.`,
    signedInAs: (username) => <>Vous êtes connecté en tant que {username}.</>,
    goHome: 'Aller à votre page d’accueil',
    notSignedIn: 'Vous n’êtes pas connecté.',
    unknown:
      'Nous ne pouvons pas vérifier votre session pour le moment. Rien n’est perdu ; réessayez dans un instant.',
  },

  form: {
    pleaseCheck: (title) => `${title} : vérifiez le formulaire`,
    checkForm: 'Vérifiez le formulaire.',
    checkFields: 'Vérifiez les champs ci-dessous.',
    username: FIELDS.username,
    password: FIELDS.password,
    rememberMe: FIELDS.remember_me,
    currentPassword: FIELDS.current_password,
    newPassword: FIELDS.new_password,
    confirmPassword: FIELDS.confirm_password,
    passwordHint: (min, max) =>
      `De ${min} à ${max} caractères, sans restriction. Quelques mots sont faciles à retenir.`,
    passwordWarning: 'Ce changement déconnecte tous vos autres appareils.',
  },

  home: {
    title: 'Accueil',
    greeting: (username) => <>Bonjour, {username}</>,
    signedIn: 'Vous êtes connecté sur cet appareil.',
    since: 'Depuis',
    from: 'De',
    unknownAddress: 'adresse inconnue',
    until: 'Expire',
    atLatest: (time, rememberMe) => (
      <>
        {time} au plus tard
        {rememberMe ? ', car vous avez demandé à rester connecté' : ', ou à la fermeture du navigateur'}
      </>
    ),
  },

  logout: {
    heading: 'Se déconnecter ?',
    onThisDevice: 'Vous serez déconnecté sur cet appareil. Vos autres appareils restent connectés.',
    stay: 'Rester connecté',
  },

  sessions: {
    intro:
      'Ces appareils sont connectés. Vous ne reconnaissez pas l’un d’eux ? Déconnectez-le et changez votre mot de passe.',
    notices: {
      revoked: 'L’autre appareil est déconnecté.',
      unknown: 'L’appareil choisi n’est pas connecté à votre compte.',
      others: 'Tous vos autres appareils sont déconnectés.',
      password: 'Votre mot de passe est changé et vos autres appareils sont déconnectés.',
    },
    thisDevice: 'Cet appareil',
    app: 'Appli',
    remembered: 'Reste connecté',
    unknownAddress: 'Adresse inconnue',
    signedIn: (time) => <>connexion {time}</>,
    lastSeen: (time) => <>dernière activité {time}</>,
    signOutHere: 'Se déconnecter sur cet appareil',
    signOutOne: 'Déconnecter',
    signOutDevice: (device, at) => `Déconnecter ${device}, connexion du ${at}`,
    details: {
      show: 'Détails',
      signedIn: 'Connexion',
      lastSeen: 'Dernière activité',
      userAgent: 'Agent utilisateur',
    },
    signOutOthers: 'Déconnecter tous les autres appareils',
    signOutEverywhere: 'Se déconnecter partout',
  },

  activity: {
    heading: 'Activité récente',
    unavailable: 'L’activité récente est indisponible pour le moment.',
    show: 'L’afficher',
    none: 'Rien pour le moment.',
    when: 'Quand',
    what: 'Quoi',
    from: 'D’où',
    unknownAddress: 'adresse inconnue',
    details: {
      success: 'Connexion',
      bad_credentials: 'Échec de connexion : mot de passe incorrect',
      inactive: 'Échec de connexion : compte désactivé',
      throttled: 'Connexions suspendues : trop d’échecs',
      logout: 'Déconnexion',
      logout_others: 'Déconnexion depuis un autre appareil',
      logout_all: 'Déconnexion partout',
      revoked: 'Déconnexion depuis un autre appareil',
      replaced: 'Remplacée par une nouvelle connexion',
      evicted: 'Déconnexion : trop de sessions',
      password_changed: 'Déconnexion : mot de passe changé',
      admin: 'Déconnexion par un administrateur',
      expired_idle: 'Déconnexion : session inutilisée',
      expired_absolute: 'Déconnexion : session expirée',
      abandoned: 'Connexion non terminée',
    },
  },

  comma: ', ',
  device: {
    unknown: 'Appareil inconnu',
    on: (browser, system) => `${browser} sur ${system}`,
    unknownCountry: 'pays inconnu',
    torNetwork: 'réseau Tor',
  },

  time: { justNow: 'à l’instant', soon: 'dans moins d’une minute' },

  request: (id) => <>Requête {id}</>,

  returnLoop: {
    title: (host) => `Connecté, mais ${host} ne le voit pas`,
    heading: (host) => `Vous êtes connecté, mais ${host} ne le voit pas`,
    intro: (host) =>
      `Ce site vous a renvoyé ici pour vous connecter trois fois en dix secondes. Réessayez dans un instant. Si cela continue, demandez aux responsables de ${host} de vérifier :`,
    questions: (host) => [
      `Le cookie de session y arrive-t-il ? Seulement si ce service est accessible via ${host} lui-même, ou si SESSION_COOKIE_DOMAIN couvre les deux.`,
      'Interroge-t-il ce service à chaque requête, en transmettant le cookie ?',
      'Son horloge est-elle à l’heure, et compare-t-il aud à l’adresse que montre votre navigateur ?',
    ],
    yourHome: 'Votre page d’accueil',
  },
} satisfies Texts;

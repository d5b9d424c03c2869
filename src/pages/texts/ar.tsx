import type { OutageTexts } from '../../http/problem-texts.ts';
import { inMinutes } from '../intl.ts';
import { fieldErrors, type Texts } from './texts.ts';

/** With the digits of the addresses and times beside them. */
const LOCALE = 'ar-u-nu-latn';

const FIELDS = {
  username: 'اسم المستخدم',
  password: 'كلمة المرور',
  current_password: 'كلمة المرور الحالية',
  new_password: 'كلمة المرور الجديدة',
  confirm_password: 'تكرار كلمة المرور الجديدة',
  remember_me: 'تذكّرني على هذا الجهاز',
};

// Limits stand after a colon, as the form of a counted noun depends on the number.
const fieldError = fieldErrors(FIELDS, {
  missing: (field) => `يُرجى ملء الحقل «${field}».`,
  invalid: (field) => `الحقل «${field}» غير صالح.`,
  too_long: (field, limit) => `الحقل «${field}» طويل جدًا. الحد الأقصى لعدد الأحرف: ${limit}.`,
  too_short: (_, limit) => `كلمة المرور قصيرة جدًا. الحد الأدنى لعدد الأحرف: ${limit}.`,
  same_as_username: () => 'لا يمكن أن تكون كلمة المرور مطابقة لاسم المستخدم.',
  too_common: () => 'كلمة المرور هذه شائعة جدًا. اختر كلمة أخرى.',
  not_repeated: () => 'كلمتا المرور غير متطابقتين.',
});

const OUTAGES: OutageTexts = {
  nothing: 'لا يمكننا الوصول إلى بياناتنا حاليًا. لم يُفقد شيء؛ حاول مرة أخرى بعد لحظات.',
  sign_out: 'تعذّر علينا تأكيد تسجيل الخروج. قد تكون الجلسة لا تزال مفتوحة؛ حاول مرة أخرى بعد لحظات.',
  new_password:
    'تعذّر علينا تأكيد التغيير. سجّل الدخول بكلمة المرور الجديدة؛ وإذا لم ينجح ذلك فاستخدم القديمة.',
  password_change:
    'تم تغيير كلمة المرور، لكن قد تبقى أجهزتك الأخرى مسجّلة الدخول للحظات. سجّل الدخول بكلمة المرور الجديدة وراجع جلساتك.',
};

/** `Intl` says "within"; what is said here is "after". */
const afterMinutes = (seconds: number): string => inMinutes(LOCALE, seconds).replace('خلال', 'بعد');

export const ar = {
  language: 'ar',
  direction: 'rtl',
  locale: LOCALE,

  problems: {
    invalid_fields: ['يُرجى التحقق من النموذج', ({ errors }) => errors.map(fieldError).join(' ')],
    malformed_body: ['تعذّرت قراءة الطلب', 'صيغة الطلب غير صحيحة.'],
    unsupported_media_type: [
      'صيغة غير مدعومة',
      'المطلوب نموذج: application/x-www-form-urlencoded أو multipart/form-data.',
    ],
    body_too_large: ['الطلب كبير جدًا', 'حجم الطلب أكبر من 64 كيبيبايت.'],
    bad_credentials: ['لم يتم تسجيل الدخول', 'اسم المستخدم أو كلمة المرور غير صحيحة.'],
    wrong_current_password: ['لم تتغيّر كلمة المرور', 'كلمة المرور الحالية غير صحيحة.'],
    not_signed_in: ['لم يتم تسجيل الدخول', 'سجّل الدخول أولًا.'],
    csrf_failed: [
      'هذا النموذج لم يعد صالحًا',
      ({ noCookie }) =>
        noCookie === true
          ? 'لم يرسل متصفحك أي ملف تعريف ارتباط. حاول مرة أخرى؛ وإذا تكرر ذلك فهو يحظر ملفات تعريف الارتباط لهذا الموقع.'
          : 'ربما سجّلت الدخول أو الخروج منذ فتح هذه الصفحة. يُرجى المحاولة مرة أخرى.',
    ],
    foreign_origin: ['طلب من موقع آخر', 'جاء هذا الطلب من موقع آخر، لذلك لم نقبله.'],
    not_found: ['الصفحة غير موجودة', 'لا يوجد شيء في هذا العنوان.'],
    method_not_allowed: ['الطريقة غير مسموح بها', ({ allow }) => `يقبل هذا العنوان: ${allow.join('، ')}.`],
    throttled: [
      'محاولات كثيرة جدًا',
      ({ retryAfterSeconds }) => `محاولات فاشلة كثيرة جدًا. حاول مرة أخرى ${afterMinutes(retryAfterSeconds)}.`,
    ],
    store_unavailable: ['غير متاح مؤقتًا', ({ unconfirmed }) => OUTAGES[unconfirmed ?? 'nothing']],
    overloaded: ['الخدمة مشغولة', 'عمليات تسجيل الدخول كثيرة جدًا حاليًا. حاول مرة أخرى بعد ثوانٍ.'],
    internal_error: ['حدث خطأ ما', 'الخطأ من جانبنا، وقد سُجّل لدينا.'],
  },
  fieldError,

  signIn: 'تسجيل الدخول',
  signOut: 'تسجيل الخروج',
  signedOut: 'تم تسجيل خروجك.',
  tryAgain: 'المحاولة مرة أخرى',
  goHome: 'الانتقال إلى الصفحة الرئيسية',
  changePassword: 'تغيير كلمة المرور',
  yourSessions: 'جلساتك',

  frame: {
    account: 'الحساب',
    home: 'الرئيسية',
    sessions: 'الجلسات',
    signedInAs: (username) => <>مسجّل الدخول باسم {username}</>,
    help: 'المساعدة',
  },

  landing: {
    title: 'مرحبًا',
    heading: 'دخول واحد. وخروج حقيقي.',
    promise: (site) =>
      `يحفظ ${site} جلساتك على حافة الشبكة. وعندما يخبرك بأنك سجّلت الخروج، فقد خرجت فعلًا: من كل الخوادم، وفي الحال.`,
    signedInAs: (username) => <>أنت مسجّل الدخول باسم {username}.</>,
    goHome: 'الانتقال إلى صفحتك',
    notSignedIn: 'لم تسجّل الدخول.',
    unknown: 'لا يمكننا التحقق من جلستك حاليًا. لم يُفقد شيء؛ حاول مرة أخرى بعد لحظات.',
  },

  form: {
    pleaseCheck: (title) => `${title}: يُرجى التحقق`,
    checkForm: 'يُرجى التحقق من النموذج.',
    checkFields: 'يُرجى التحقق من الحقول أدناه.',
    username: FIELDS.username,
    password: FIELDS.password,
    rememberMe: FIELDS.remember_me,
    currentPassword: FIELDS.current_password,
    newPassword: FIELDS.new_password,
    confirmPassword: FIELDS.confirm_password,
    passwordHint: (min, max) => `أحرف من أي نوع، عددها من ${min} إلى ${max}. بضع كلمات يسهل تذكّرها.`,
    passwordWarning: 'يؤدي تغييرها إلى تسجيل خروج كل أجهزتك الأخرى.',
  },

  home: {
    title: 'الرئيسية',
    greeting: (username) => (
      <>
        مرحبًا، <bdi>{username}</bdi>
      </>
    ),
    signedIn: 'أنت مسجّل الدخول على هذا الجهاز.',
    since: 'منذ',
    from: 'من',
    unknownAddress: 'عنوان غير معروف',
    until: 'تنتهي',
    atLatest: (time, rememberMe) => (
      <>
        {time} على أبعد تقدير
        {rememberMe ? '، لأنك اخترت أن نتذكّرك' : '، أو حتى تغلق المتصفح'}
      </>
    ),
  },

  logout: {
    heading: 'هل تريد تسجيل الخروج؟',
    onThisDevice: 'سيتم تسجيل خروجك على هذا الجهاز. وتبقى أجهزتك الأخرى مسجّلة الدخول.',
    stay: 'البقاء مسجّل الدخول',
  },

  sessions: {
    intro: 'هذه الأجهزة مسجّلة الدخول. هل بينها جهاز لا تعرفه؟ سجّل خروجه وغيّر كلمة مرورك.',
    notices: {
      revoked: 'تم تسجيل خروج ذلك الجهاز.',
      unknown: 'ذلك الجهاز غير مسجّل الدخول إلى حسابك.',
      others: 'تم تسجيل خروج كل أجهزتك الأخرى.',
      password: 'تم تغيير كلمة مرورك وتسجيل خروج أجهزتك الأخرى.',
    },
    thisDevice: 'هذا الجهاز',
    app: 'تطبيق',
    remembered: 'محفوظ',
    unknownAddress: 'عنوان غير معروف',
    signedIn: (time) => <>تسجيل الدخول {time}</>,
    lastSeen: (time) => <>آخر نشاط {time}</>,
    signOutHere: 'تسجيل الخروج على هذا الجهاز',
    signOutOne: 'تسجيل الخروج',
    signOutDevice: (device, at) => `تسجيل الخروج من ${device}، تسجيل الدخول ${at}`,
    details: { show: 'التفاصيل', signedIn: 'تسجيل الدخول', lastSeen: 'آخر نشاط', userAgent: 'وكيل المستخدم' },
    signOutOthers: 'تسجيل خروج كل الأجهزة الأخرى',
    signOutEverywhere: 'تسجيل الخروج من كل مكان',
  },

  activity: {
    heading: 'النشاط الأخير',
    unavailable: 'النشاط الأخير غير متاح حاليًا.',
    show: 'عرضه',
    none: 'لا شيء بعد.',
    when: 'متى',
    what: 'ماذا',
    from: 'من أين',
    unknownAddress: 'عنوان غير معروف',
    details: {
      success: 'تسجيل دخول',
      bad_credentials: 'فشل تسجيل الدخول: كلمة المرور غير صحيحة',
      inactive: 'فشل تسجيل الدخول: الحساب معطّل',
      throttled: 'تسجيل الدخول موقوف: محاولات فاشلة كثيرة',
      logout: 'تسجيل خروج',
      logout_others: 'تسجيل خروج من جهاز آخر',
      logout_all: 'تسجيل خروج من كل مكان',
      revoked: 'تسجيل خروج من جهاز آخر',
      replaced: 'حلّ محلّها تسجيل دخول جديد',
      evicted: 'تسجيل خروج: جلسات كثيرة جدًا',
      password_changed: 'تسجيل خروج: تغيّرت كلمة المرور',
      admin: 'تسجيل خروج من قِبل مسؤول',
      expired_idle: 'تسجيل خروج: لم تُستخدم منذ مدة',
      expired_absolute: 'تسجيل خروج: انتهت الجلسة',
      abandoned: 'لم يكتمل تسجيل الدخول',
    },
  },

  comma: '، ',
  device: {
    unknown: 'جهاز غير معروف',
    // The mark at the start makes it read from right to left, though it begins with a Latin name.
    on: (browser, system) => `\u200f${browser} على ${system}`,
    unknownCountry: 'بلد غير معروف',
    torNetwork: 'شبكة Tor',
  },

  time: { justNow: 'الآن', soon: 'خلال أقل من دقيقة' },

  request: (id) => <>الطلب {id}</>,

  returnLoop: {
    title: (host) => `تم تسجيل الدخول، لكن ${host} لا يرى ذلك`,
    heading: (host) => `أنت مسجّل الدخول، لكن ${host} لا يرى ذلك`,
    intro: (host) =>
      `أرسلك هذا الموقع إلى هنا لتسجيل الدخول ثلاث مرات خلال عشر ثوانٍ. حاول مرة أخرى بعد لحظات. وإذا استمر ذلك، فاطلب من القائمين على ${host} التحقق مما يلي:`,
    questions: (host) => [
      `هل يصل إليه ملف تعريف ارتباط الجلسة؟ لا يصل إلا إذا كان الوصول إلى هذه الخدمة عبر ${host} نفسه، أو إذا كان SESSION_COOKIE_DOMAIN يشمل الاثنين.`,
      'هل يسأل هذه الخدمة عن كل طلب ويمرّر إليها ملف تعريف الارتباط؟',
      'هل ساعته صحيحة، وهل يقارن aud بالعنوان الذي يعرضه متصفحك؟',
    ],
    yourHome: 'صفحتك',
  },
} satisfies Texts;

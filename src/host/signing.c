// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel reads at the end of a module (include/linux/module_signature.h,
 * kernel/module/signing.c): a detached PKCS#7 signature, a struct of 12 bytes
 * that tells its length, and a line of text.
 */
#include "host/signing.h"
#include "host/private.h"
#include "pack/trust.h"
#include "util/file.h"
#include "util/memory.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <string.h>

#define MARKER	   "~Module signature appended~\n"
#define PKCS7	   2 /* enum pkey_id_type */
#define FLAGS	   (CMS_NOCERTS | CMS_BINARY | CMS_DETACHED | CMS_PARTIAL)
#define SIGNER	   (CMS_NOCERTS | CMS_BINARY | CMS_NOATTR | CMS_NOSMIMECAP)
#define FILE_LIMIT (1u << 20)

/* The administrator's own choice, Debian's place for a machine's key, and dkms'. */
static const struct {
	const char *key;
	const char *certificate;
} places[] = {
	{ "/etc/kmend/module.key", "/etc/kmend/module.crt" },
	{ "/var/lib/shim-signed/mok/MOK.priv", "/var/lib/shim-signed/mok/MOK.der" },
	{ "/var/lib/dkms/mok.key", "/var/lib/dkms/mok.pub" },
};

struct signer {
	EVP_PKEY *key;
	X509 *certificate;
	char *key_path;
	char *certificate_path;
};

struct module_signature {
	uint8_t algo;
	uint8_t hash;
	uint8_t id_type;
	uint8_t signer_len;
	uint8_t key_id_len;
	uint8_t pad[3];
	uint8_t sig_len[4]; /* big-endian */
};

static bool file_starts_with(const char *path, const char *part)
{
	_cleanup_free_ void *text = NULL;
	struct error *err;
	size_t size;

	err = file_read(path, 4096, &text, &size);
	error_free(err);
	return !err && !strncmp(text, part, strlen(part));
}

bool signing_demanded(void)
{
	_cleanup_free_ char *enforce = host_path("/sys/module/module/parameters/sig_enforce");
	_cleanup_free_ char *lockdown = host_path("/sys/kernel/security/lockdown");

	return file_starts_with(enforce, "Y") ||
	       (file_exists(lockdown) && !file_starts_with(lockdown, "[none]"));
}

/* The passphrase, where the key has one: from where the kernel's own build takes it. */
static int passphrase(char *buf, int size, int writing, void *arg)
{
	const char *pin = secure_getenv("KBUILD_SIGN_PIN");
	size_t len = pin ? strlen(pin) : 0;

	if (!pin || len > (size_t)size)
		return -1;
	memcpy(buf, pin, len);
	return len;
}

static struct error *read_key(struct signer *s)
{
	_cleanup_free_ void *text = NULL;
	size_t size;
	BIO *bio;

	TRY(trust_check_owner(s->key_path));
	TRY(file_read(s->key_path, FILE_LIMIT, &text, &size));
	bio = BIO_new_mem_buf(text, size);
	if (bio)
		s->key = PEM_read_bio_PrivateKey(bio, NULL, passphrase, NULL);
	BIO_free(bio);
	OPENSSL_cleanse(text, size);
	if (!s->key)
		return refuse("KEY-INVALID",
			      "%s is no private key in PEM form, or it has a passphrase and KBUILD_SIGN_PIN does not tell it",
			      s->key_path);
	return NULL;
}

/* mok.pub and MOK.der are DER, what people make themselves is mostly PEM. */
static struct error *read_certificate(struct signer *s)
{
	_cleanup_free_ void *text = NULL;
	const unsigned char *p;
	size_t size;
	BIO *bio;

	TRY(trust_check_owner(s->certificate_path));
	TRY(file_read(s->certificate_path, FILE_LIMIT, &text, &size));
	p = text;
	s->certificate = d2i_X509(NULL, &p, size);
	bio = s->certificate ? NULL : BIO_new_mem_buf(text, size);
	if (bio)
		s->certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (!s->certificate)
		return refuse("KEY-INVALID", "%s is no certificate", s->certificate_path);
	if (!X509_check_private_key(s->certificate, s->key))
		return refuse("KEY-INVALID", "%s is not the certificate of the key in %s", s->certificate_path,
			      s->key_path);
	return NULL;
}

static struct error *no_key(void)
{
	return refuse("MODULE-SIGNATURE",
		      "the kernel takes only signed modules, and this machine has no key to sign with. Make one, have the firmware trust it, and try again:\n"
		      "  openssl req -new -x509 -newkey rsa:2048 -nodes -days 36500 -subj \"/CN=$(hostname) module signing/\" -outform DER -keyout /etc/kmend/module.key -out /etc/kmend/module.crt\n"
		      "  chmod 600 /etc/kmend/module.key\n"
		      "  mokutil --import /etc/kmend/module.crt\n"
		      "  reboot, and choose \"Enroll MOK\" in the menu that appears\n"
		      "Where dkms has one (%s) it is used", places[2].key);
}

struct error *signer_open(struct signer **out)
{
	struct signer *s = xcalloc(1, sizeof(*s));
	struct error *err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		s->key_path = host_path("%s", places[i].key);
		s->certificate_path = host_path("%s", places[i].certificate);
		if (file_exists(s->key_path))
			break;
		free(take_ptr(s->key_path));
		free(take_ptr(s->certificate_path));
	}
	err = s->key_path ? read_key(s) : no_key();
	if (!err)
		err = read_certificate(s);
	ERR_clear_error();
	if (err) {
		signer_free(s);
		return err;
	}
	*out = s;
	return NULL;
}

void signer_free(struct signer *s)
{
	if (!s)
		return;
	EVP_PKEY_free(s->key);
	X509_free(s->certificate);
	free(s->key_path);
	free(s->certificate_path);
	free(s);
}

const char *signer_certificate(const struct signer *s)
{
	return s->certificate_path;
}

/* A detached signature in DER; *@out is to be given to OPENSSL_free(), its length is returned. */
static int sign(const struct signer *s, const void *image, size_t size, unsigned char **out)
{
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, FLAGS);
	BIO *bio = BIO_new_mem_buf(image, size);
	int len = -1;

	*out = NULL;
	if (cms && bio && CMS_add1_signer(cms, s->certificate, s->key, EVP_sha256(), SIGNER) &&
	    CMS_final(cms, bio, NULL, FLAGS & ~CMS_PARTIAL))
		len = i2d_CMS_ContentInfo(cms, out);
	BIO_free(bio);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return len;
}

struct error *signer_sign(const struct signer *s, const void *image, size_t size, void **signed_image,
			  size_t *signed_size)
{
	struct module_signature end = { .id_type = PKCS7 };
	unsigned char *signature = NULL;
	char *p;
	int len, i;

	len = size <= INT32_MAX ? sign(s, image, size, &signature) : -1;
	if (len < 0)
		return system_error(0, "a module cannot be signed with the key in %s", s->key_path);
	for (i = 0; i < 4; i++)
		end.sig_len[i] = (uint32_t)len >> (24 - 8 * i);
	*signed_size = size + len + sizeof(end) + strlen(MARKER);
	*signed_image = p = xmalloc(*signed_size);
	p = mempcpy(p, image, size);
	p = mempcpy(p, signature, len);
	p = mempcpy(p, &end, sizeof(end));
	memcpy(p, MARKER, strlen(MARKER));
	OPENSSL_free(signature);
	return NULL;
}
